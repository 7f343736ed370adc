"""python-can as most captures need it: what reads MF4 is loaded when an MF4 is read.

python-can imports asammdf if that extra is installed, and asammdf brings pandas: seconds, for a
form that most captures do not have. Who needs python-can takes it from here; who needs a library
that imports it imports this before, and who reads an MF4 calls ``with_mf4`` before.
"""

import sys
from importlib import import_module, reload
from typing import Final

_MF4: Final = "asammdf"
_READER: Final = "can.io.mf4"


def without_mf4() -> None:
    """Load python-can as if the extra were not installed; nothing if either is loaded already."""
    if "can" in sys.modules or _MF4 in sys.modules:
        return
    # An import of a module that is None here fails as if it were not there.
    sys.modules[_MF4] = None  # type: ignore[assignment]
    try:
        import_module("can")
    finally:
        del sys.modules[_MF4]


without_mf4()
import can  # noqa: E402  # never before
from can.util import dlc2len  # noqa: E402  # likewise

__all__ = ["can", "dlc2len", "with_mf4", "without_mf4"]


def with_mf4() -> None:
    """Let python-can find the extra now; ImportError if it is not installed.

    The module is run again in its own names, where the readers that exist look for the extra.
    """
    import_module(_MF4)
    module = import_module(_READER)
    if module.asammdf is None:
        reload(module)
