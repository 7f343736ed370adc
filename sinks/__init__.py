"""Keep a purpose's records until they expire, and forget them on time.

Imports telemetry only; when rows end under a new policy, it asks through its port.
"""
