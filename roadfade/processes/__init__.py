"""The long-running processes: sink, sweep, office; the worker has a room of its own."""
