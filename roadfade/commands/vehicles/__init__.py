"""Commands about what vehicles send: recorded drives, adapters, envelopes, the signal list.

Each is imported when it is called; decoders and clients are heavy.
"""
