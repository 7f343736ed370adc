"""A simulated fleet: vehicles, roads, sensors and their faults."""
