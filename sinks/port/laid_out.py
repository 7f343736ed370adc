"""What gathers usual records, what it is taught about lanes, and the columns that it lays out.

Types alone: the core's stub (``core/roadfade_core.pyi``) says what each call does.
"""

from typing import Protocol, TypedDict

from telemetry.arrived import Arrived

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


class Gathering(Protocol):
    """Purpose records of one output: read, held against what was taught, laid out as columns."""

    def begin(self) -> bool:
        """Whatever was gathered before is gone; whether all that was taught is forgotten, too."""
        ...

    def read(self, records: list[Arrived], /) -> None:
        """Behind what is gathered; what follows is about these records."""
        ...

    def unknown(self) -> list[tuple[int, str, list[tuple[str, str, bool]]]]:
        """Shapes that nobody taught: number, version; signal, unit and if it has texts, of each."""
        ...

    def teach(self, shape: int, lanes: list[TaughtLane], /) -> None:
        """ValueError if these are no lanes of this shape."""
        ...

    def unjudged(self) -> list[tuple[int, str]]:
        """Texts, and who is to be asked about them."""
        ...

    def answer(self, asker: int, text: str, yes: bool, /) -> None:  # noqa: FBT001  # the core's
        """What it says."""
        ...

    def judge(self, now_ms: int, /) -> None:
        """Leave out what no lane has room for, and note the lanes of the rest."""
        ...

    def stamps(self) -> tuple[list[bytes | None], list[int], list[int]]:
        """Of each record: digest of its id (None: it was not taken), its end, its readings."""
        ...

    def keep(self, kept: list[int], /) -> tuple[int, int]:
        """Rows and readings of the records at these places, which are kept then."""
        ...

    def take(self) -> list[LaidOut]:
        """What was kept, by end; nothing is gathered any more."""
        ...
