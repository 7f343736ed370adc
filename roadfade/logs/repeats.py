"""Lines of one kind: the first are said, the others counted, and the last of them said.

A broker that is away makes its client log many lines a second, and a state may flap. In each
window the first lines pass; then the newest waits until the window ends and says how many ``more``
there were, so that the state a log ends with is the true one.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from roadfade.logs.lines import error_in

WINDOW_S: Final = 60.0
KINDS_MAX: Final = 2_000
"""Kinds of lines that are counted at once; a line of one more kind passes."""


def after(seconds: float, call: Callable[[], None]) -> None:
    """Call in a thread, unless the process ends before."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


@dataclass(slots=True)
class _Kind:
    since_s: float
    passed: int = 0
    held: logging.LogRecord | None = None
    held_count: int = 0


class RepeatLimit(logging.Handler):
    """Hands ``lines_max`` lines of a kind on in each window, and holds the rest.

    A kind is a logger with a level and an unfilled message, or with what the record says it is
    ``about``, at whatever level.
    """

    def __init__(
        self,
        target: logging.Handler,
        lines_max: int,
        window_s: float = WINDOW_S,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = after,
    ) -> None:
        super().__init__()
        self._target = target
        self._lines_max = lines_max
        self._window_s = window_s
        self._clock = clock
        self._later = later
        self._kinds: dict[Hashable, _Kind] = {}
        self._waiting = False

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on, or hold and count. Under the handler's own lock."""
        now_s = self._clock()
        kind = self._kind(record, now_s)
        if kind is None:
            self._target.handle(record)
        elif kind.passed < self._lines_max and kind.held is None:
            kind.passed += 1
            self._target.handle(record)
        else:
            kind.held, kind.held_count = _frozen(record), kind.held_count + 1
            if not self._waiting:
                self._waiting = True
                self._later(self._window_s, self._window_over)

    def flush(self) -> None:
        """Say what is held."""
        self.acquire()
        try:
            self._say_held()
        finally:
            self.release()

    def close(self) -> None:
        """Say what is held; the process ends."""
        self.flush()
        self._target.close()
        super().close()

    def _kind(self, record: logging.LogRecord, now_s: float) -> _Kind | None:
        about = record.__dict__.get("about")
        key = (record.name, about) if about else (record.name, record.levelno, record.msg)
        found = self._kinds.get(key)
        if found is not None and (found.held or now_s - found.since_s < self._window_s):
            return found
        if found is None and len(self._kinds) >= KINDS_MAX:
            self._forget(now_s)
            if len(self._kinds) >= KINDS_MAX:
                return None
        made = self._kinds[key] = _Kind(now_s)
        return made

    def _forget(self, now_s: float) -> None:
        self._kinds = {
            key: one
            for key, one in self._kinds.items()
            if one.held or now_s - one.since_s < self._window_s
        }

    def _window_over(self) -> None:
        self._waiting = False
        self.flush()

    def _say_held(self) -> None:
        """All at once and in their order: the last line is the last state."""
        held = [(one.held, one) for one in self._kinds.values() if one.held is not None]
        for record, kind in sorted(held, key=lambda one: one[0].created):
            record.__dict__["more"] = kind.held_count - 1
            kind.since_s, kind.passed = self._clock(), 1
            kind.held, kind.held_count = None, 0
            self._target.handle(record)


def _frozen(record: logging.LogRecord) -> logging.LogRecord:
    """The record as text: what it was made of must not live on while it waits."""
    record.__dict__["told_error"] = error_in(record)
    record.msg, record.args = record.getMessage(), None
    record.exc_info = record.exc_text = record.stack_info = None
    return record
