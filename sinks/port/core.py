"""Whether this machine has the core, and one that goes with this code.

The only file of this room that imports ``roadfade_core``; without it every record is read and laid
out in Python, which is the definition of both.
"""

from typing import Final

from sinks.port.laid_out import Gathering

INTERFACE: Final = 3
"""The core that this code was written for; any other is not asked."""
try:
    import roadfade_core
except ImportError:
    HAS_CORE = False
else:
    HAS_CORE = roadfade_core.INTERFACE == INTERFACE


def gathering(output: str) -> Gathering | None:
    """What gathers the usual records of an output; None without a core."""
    return roadfade_core.Gathering(output) if HAS_CORE else None
