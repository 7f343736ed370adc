"""Nouns and the wire: what a reading, an envelope, a record and an outcome are.

Pure: no input, output, clock, environment or randomness, and no other package of
this code base. Times are integer milliseconds since 1970-01-01 UTC, named ``*_ms``.
"""
