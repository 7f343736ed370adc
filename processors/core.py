"""Whether this machine has the core, and one that goes with this code.

The only file of this room that imports ``roadfade_core``; without it the exact path does
everything. Nothing here builds or installs.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

try:
    import roadfade_core
except ImportError:
    _found: int | None = None
else:
    _found = roadfade_core.INTERFACE

if TYPE_CHECKING:
    from processors.state.port import TimeState
    from roadfade_core import Room, UsualPath

INTERFACE: Final = 1
"""What is handed to the core and taken from it; a core built of other code has another number."""


class CoreState(StrEnum):
    """Which path carries usual envelopes."""

    CARRIES = "carries"
    ABSENT = "absent"
    FOREIGN = "foreign"
    """A core is there, built of another version of Roadfade: it is not used."""


def core_state() -> CoreState:
    """Whether the core is there and is this version's."""
    if _found is None:
        return CoreState.ABSENT
    return CoreState.CARRIES if _found == INTERFACE else CoreState.FOREIGN


def usual_path(
    tables: bytes, make: Callable[..., Any], h3_cell: Callable[[float, float, int], str]
) -> "UsualPath":
    """The usual path for these tables (``core_tables``), where ``core_state`` says CARRIES.

    ``make`` makes an outcome of topic, partition, key, value and headers.
    """
    return roadfade_core.UsualPath(tables, make, h3_cell)


def core_room(bins_max: int) -> "Room":
    """As ``state.bins.Room``."""
    return roadfade_core.Room(bins_max)


def core_time_state(lives_ms: Sequence[int], window_ms: int, room: "Room") -> "TimeState":
    """As ``state.bins.PartitionState``; ``room`` is one that ``core_room`` made."""
    return roadfade_core.TimeState(lives_ms, window_ms, room)
