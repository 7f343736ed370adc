"""The front door: commands, settings, wiring and the processes it starts."""

__version__ = "0.1.0"
