"""Whether this machine has the core, and one that goes with this code.

The only file of this room that imports ``roadfade_core``; without it the exact path does
everything. Nothing here builds or installs.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from processors.state.bins import PartitionState, Room
from processors.state.port import RoomPort, TimeState

try:
    import roadfade_core
except ImportError:
    _found: int | None = None
else:
    _found = roadfade_core.INTERFACE

if TYPE_CHECKING:
    from roadfade_core import People, RecordBatches, UsualPath

    HeldPeople = People

INTERFACE: Final = 5
"""What is handed to the core and taken from it; a core built of other code has another number."""


BATCH_BYTES_MAX: Final = 1024 * 1024
"""Of one batch with its header: what a broker takes as it is set."""


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


def record_batches(compression: Literal["zstd"] | None) -> "RecordBatches":
    """Empty ones, where ``core_state`` says CARRIES."""
    return roadfade_core.RecordBatches(compression=compression, batch_bytes_max=BATCH_BYTES_MAX)


def core_people(roles: Sequence[str], bases: Sequence[str], changes_kept_max: int) -> "HeldPeople":
    """Nobody yet, where ``core_state`` says CARRIES; roles and bases go by their places."""
    return roadfade_core.People(roles, bases, changes_kept_max)


def room_for(bins_max: int) -> RoomPort:
    """Room for the states of a process: the core's, where it carries."""
    carries = core_state() is CoreState.CARRIES
    return roadfade_core.Room(bins_max) if carries else Room(bins_max)


def time_state(lives_ms: Sequence[int], window_ms: int, room: RoomPort) -> TimeState:
    """An empty state, of the kind that goes with its room: both paths then share it."""
    if isinstance(room, Room):
        return PartitionState(lives_ms, window_ms, room)
    return roadfade_core.TimeState(lives_ms, window_ms, room)
