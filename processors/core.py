"""Whether this machine has the core, and one that goes with this code.

The only file of this room that imports ``roadfade_core``; without it the exact path does
everything. Nothing here builds or installs.
"""

from enum import StrEnum
from typing import Final

try:
    import roadfade_core
except ImportError:
    _found: int | None = None
else:
    _found = roadfade_core.INTERFACE

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
