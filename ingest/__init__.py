"""The outside coming in: CAN logs, OBD adapters, simulated vehicles, as envelopes.

May import policy and telemetry; which signals are needed is given to it, and who receives
is decided elsewhere.
"""
