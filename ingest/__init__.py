"""The outside coming in: CAN logs, OBD adapters, simulated vehicles, as envelopes."""
