"""CAN frames to readings: recorded logs, signal maps, decoding."""
