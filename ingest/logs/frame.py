"""A frame of a recorded capture, and the count of everything a capture held."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

_ID_MAX: Final = 0x1FFFFFFF
_BASE_ID_MAX: Final = 0x7FF
_FD_SIZES: Final = frozenset({*range(9), 12, 16, 20, 24, 32, 48, 64})
"""ISO 11898-1: the bytes that a CAN FD frame can have."""


class LoggedFrame(NamedTuple):
    """One data frame. ``t_us``: microseconds since 1970 UTC, as the log says."""

    t_us: int
    bus: str
    id: int
    ext: bool
    data: bytes
    direction: Literal["rx", "tx"]


def is_possible(can_id: int, size: int, *, ext: bool, fd: bool) -> bool:
    """Whether such a frame exists (ISO 11898-1): ids of 11 or 29 bits, and lengths of CAN FD."""
    return (not fd or size in _FD_SIZES) and 0 <= can_id <= (_ID_MAX if ext else _BASE_ID_MAX)


@dataclass(slots=True)
class LogCounts:
    """Everything read off a capture so far; grows while its frames are iterated."""

    data: int = 0
    """Data frames, each yielded; but for those whose stamp is bad."""
    error: int = 0
    """Error frames: they carry no data."""
    remote: int = 0
    """Remote frames: they ask and carry no data."""
    bad: int = 0
    """Lines that look like frames and are not: cut off or garbled."""
    bad_stamps: int = 0
    """Data frames left out of a replay because their clock cannot have been right."""
    other: int = 0
    """Lines that are no frames: comments, statistics, empty lines."""
    shown_twice: int = 0
    """Times without a zone that clocks of the given zone show twice, as summer time ends."""
    never_shown: int = 0
    """Times without a zone that clocks of the given zone never show, as summer time begins."""
    truncated: bool = False
    """The capture ends before its own end, or is damaged; what could be read was yielded."""

    unfinished: bool = False
    """Its logger never finished it, so that nothing in it says whether all was written."""

    @property
    def frames(self) -> int:
        """All frames of any kind."""
        return self.data + self.bad_stamps + self.error + self.remote
