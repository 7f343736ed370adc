"""Whether this machine has the core, and one that goes with this code.

The only file of this room that imports ``roadfade_core``; without it every record is read and laid
out in Python, which is the definition of both.
"""

from typing import Final

from sinks.port.laid_out import Gathering

INTERFACE: Final = 5
"""The core that this code was written for; any other is not asked."""
try:
    import roadfade_core
except ImportError:
    HAS_CORE = False
else:
    HAS_CORE = roadfade_core.INTERFACE == INTERFACE


REMEMBERED_MAX: Final = 100_000
"""Names, shapes and texts that are remembered from one write to the next; beyond it, none is."""


def gathering(output: str, remembered_max: int = REMEMBERED_MAX) -> Gathering | None:
    """What gathers the usual records of an output; None without a core."""
    return roadfade_core.Gathering(output, remembered_max) if HAS_CORE else None
