"""An OBD-II adapter's session to readings; the adapter is read by a process of its own.

Imports what envelopes need; no capture, and the OBD library in ``reader`` alone.
"""
