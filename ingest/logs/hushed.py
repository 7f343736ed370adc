"""What asammdf says of a damaged file, heard here and not on the screen.

It logs and prints tracebacks of its own, and its half-made files complain as they are collected.
For us each is one fact: the file is damaged. What other code says goes where it went before.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LIBRARY: Final = "asammdf"


class Complaints(logging.Handler):
    """Whether the library has complained."""

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def emit(self, record: logging.LogRecord) -> None:
        """Note it; its text may quote the file."""
        del record
        self.any = True

    def printed(self, *said: object, **how: object) -> None:
        """In place of ``print`` in the library's own module."""
        del said, how
        self.any = True

    def unraisable(self, what: "sys.UnraisableHookArgs") -> bool:
        """Whether it was the library's, and is noted."""
        its = str(getattr(what.object, "__module__", "")).partition(".")[0] == _LIBRARY
        self.any = self.any or its
        return its


@contextmanager
def hushed() -> Iterator[Complaints]:
    """While it is open the library's complaints go into what it gives."""
    from asammdf.blocks import mdf_v4  # noqa: PLC0415  # an extra, and heavy

    complaints = Complaints()
    logger = logging.getLogger(_LIBRARY)
    handlers, propagates, hook = logger.handlers, logger.propagate, sys.unraisablehook

    def hear(what: "sys.UnraisableHookArgs") -> None:
        if not complaints.unraisable(what):
            hook(what)

    logger.handlers, logger.propagate, sys.unraisablehook = [complaints], False, hear
    vars(mdf_v4)["print"] = complaints.printed
    try:
        yield complaints
    finally:
        del vars(mdf_v4)["print"]
        logger.handlers, logger.propagate, sys.unraisablehook = handlers, propagates, hook
