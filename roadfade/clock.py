"""The one place that reads the wall clock, and what holds it against other clocks.

A deletion cannot be taken back, so a clock that jumped ahead may not decide it at once; and it may
not wait for anybody, so the own clock decides in the end.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from telemetry.instants import HOUR_MS

DISAGREES_MS: Final = 60_000
"""Clocks that differ by more disagree; an answer that is older says nothing."""
DELAY_MS_MAX: Final = HOUR_MS
"""For no longer does a disagreement delay a deletion."""

WallClock = Callable[[], int]


def wall_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def judging_clock(fixed_now_ms: int | None) -> WallClock:
    """The clock by which records are judged: the wall's, or one fixed instant."""
    return wall_ms if fixed_now_ms is None else lambda: fixed_now_ms


def boot_ms() -> int:
    """Milliseconds since this machine started, asleep or not; nobody can set it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Answer(NamedTuple):
    """What another clock said, and how long ago."""

    at_ms: int
    age_ms: int


class Judgement(NamedTuple):
    """By which instant to delete now, and which sources say that the own clock is ahead."""

    now_ms: int
    ahead_of: tuple[str, ...]


def judge(own_ms: int, answers: Mapping[str, Answer], disputed_for_ms: int) -> Judgement:
    """The instant to delete by. Pure; never later than the own clock's.

    Sources that say it is ahead delay a deletion, each by its own instant, for ``DELAY_MS_MAX``
    of ``disputed_for_ms`` and no longer. A source that does not answer, or did too long ago, has
    no vote, and none that is ahead of the own clock makes a deletion earlier.
    """
    live = {
        source: one.at_ms + one.age_ms
        for source, one in answers.items()
        if 0 <= one.age_ms < DISAGREES_MS
    }
    behind = {source: at_ms for source, at_ms in live.items() if own_ms - at_ms > DISAGREES_MS}
    ahead_of = tuple(sorted(behind))
    if not behind or disputed_for_ms >= DELAY_MS_MAX:
        return Judgement(own_ms, ahead_of)
    return Judgement(min(behind.values()), ahead_of)


class DeletionClock:
    """The own clock, held against how much time has passed since this process began."""

    RECKONED: Final = "the time since this process began"

    def __init__(self, wall: WallClock = wall_ms, boot: WallClock = boot_ms) -> None:
        self._wall = wall
        self._boot = boot
        self._from_wall_ms, self._from_boot_ms = wall(), boot()
        self._disputed_from_ms: int | None = None

    def now(self, answers: Mapping[str, Answer] | None = None) -> Judgement:
        """The instant to delete by; ``answers`` are those of clocks of other machines."""
        own_ms, boot_ms = self._wall(), self._boot()
        reckoned_ms = self._from_wall_ms + boot_ms - self._from_boot_ms
        every = {self.RECKONED: Answer(reckoned_ms, 0), **(answers or {})}
        since_ms = boot_ms if self._disputed_from_ms is None else self._disputed_from_ms
        judged = judge(own_ms, every, boot_ms - since_ms)
        self._disputed_from_ms = since_ms if judged.ahead_of else None
        if own_ms < reckoned_ms:
            # Set back: from here on it is held against what it says now.
            self._from_wall_ms, self._from_boot_ms = own_ms, boot_ms
        return judged
