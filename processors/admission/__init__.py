"""From an envelope's bytes to admitted columns, reading by reading.

Imports program of the room above.
"""
