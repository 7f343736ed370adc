"""From an envelope's bytes to admitted columns: the usual ones at speed, the rest one by one.

Imports people and program of the room above, whose decoder it makes.
"""
