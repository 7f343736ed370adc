"""The long-running processes: sink, sweep, office; the worker has a room of its own.

May import ``in_force`` and what each needs; never a command, and no process another.
"""
