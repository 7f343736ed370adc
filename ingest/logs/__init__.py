"""Recorded CAN traffic: candump, ASC, BLF, TRC and MF4 files as one stream of frames.

Imports nothing of ingest but its refusal and how python-can is loaded; what a frame means is
decided elsewhere.
"""
