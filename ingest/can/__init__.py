"""CAN frames to readings: recorded logs, signal maps, decoding.

Imports ``ingest.logs`` and what envelopes need; never an adapter.
"""

# Before any module here imports a library that imports python-can.
from ingest import python_can

__all__ = ["python_can"]
