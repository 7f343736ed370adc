"""What other systems send, as envelopes: a module for each format, closed by ``registry``.

Pure. May import the gateway's formats and ports, and ``telemetry``; no adapter knows another.
"""
