"""CAN frames to readings: recorded logs, signal maps, decoding.

Imports ``ingest.logs`` and what envelopes need; never an adapter.
"""
