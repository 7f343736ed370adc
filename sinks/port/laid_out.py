"""What is taught to the core about lanes, and the columns that it lays out. Types alone."""

from typing import TypedDict

TaughtColumn = tuple[float | None, float | None, float] | int
"""Lowest, highest and step of numbers (0: of nothing); or the number of who is asked of texts."""
TaughtLane = tuple[str, int, int, int, list[list[TaughtColumn]]]
"""Name, floor, and how long a reading may be kept: milliseconds, or months (one of them is 0).
Then, for each run of a shape, columns of which one has to fit."""
Coded = tuple[bytes, bytes | None, bytes, bytes, int]
"""Codes (int32), bits that say which are there (None: all), offsets (int32) and bytes of the
sorted, different texts, and how many these are."""


class LaidOutColumns(TypedDict):
    """Buffers as Arrow has them, little-endian, by column."""

    record: Coded
    pseudonym: Coded
    signal: Coded
    text: Coded
    unit: Coded
    policy_version: Coded
    lane: Coded
    consent: Coded
    t: bytes
    """Microseconds (int64)."""
    number: tuple[bytes, bytes | None]
    """float64, and which are there."""


LaidOut = tuple[int, int, int, int, LaidOutColumns]
"""When the rows end, how many they are, when topics took the first and the last of their records,
and their columns, in the order of every part."""
