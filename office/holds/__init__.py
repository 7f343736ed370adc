"""Legal holds: what has to be kept although it goes, for whom, why and until when.

Stores copy and seal; this room knows whose rows they are, has the keys, and opens them for
officers.
"""
