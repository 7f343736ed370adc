"""Recorded CAN traffic: candump, ASC, BLF, TRC and MF4 files as one stream of frames."""
