"""A simulated fleet: vehicles, roads, sensors and their faults.

Imports what envelopes need; chance comes in as a seed.
"""
