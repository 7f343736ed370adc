"""Reading a store for one purpose, behind a gate.

Imports the lake; it writes nothing.
"""
