"""A fleet that exists in arithmetic only: vehicles, roads, sensors and their faults."""
