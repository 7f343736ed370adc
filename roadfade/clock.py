"""The one place that reads the wall clock, and what holds it against other clocks.

A deletion cannot be taken back, so a clock that jumped ahead may not decide it at once; and it may
not wait for anybody, so the own clock decides in the end.
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from telemetry.instants import HOUR_MS

DISAGREES_MS: Final = 60_000
"""Clocks that differ by more disagree; an answer that is older says nothing."""
DELAY_MS_MAX: Final = HOUR_MS
"""For no longer does a disagreement delay a deletion, whatever the settings."""

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
    live: bool = True
    """Whether it was said when it was heard; if not, it is earlier than that clock is now."""

    @property
    def least_ms(self) -> int:
        """What that clock says now, at least."""
        return self.at_ms + self.age_ms


class Judgement(NamedTuple):
    """By which instant to delete now, and who says that the own clock is wrong."""

    now_ms: int
    own_ms: int
    ahead_of: Mapping[str, int] = MappingProxyType({})
    """What each source says that has the own clock ahead, milliseconds UTC."""
    behind: Mapping[str, int] = MappingProxyType({})
    """What each source says at least that has the own clock behind."""

    @property
    def ahead_ms(self) -> int:
        """By how much the own clock is ahead of what others say."""
        return self.own_ms - min(self.ahead_of.values(), default=self.own_ms)

    @property
    def behind_ms(self) -> int:
        """By how much the own clock is behind what others say."""
        return max(self.behind.values(), default=self.own_ms) - self.own_ms

    @property
    def measure_ms(self) -> int:
        """The instant by which to look for what is overdue: a clock behind must not hide it."""
        return max(self.now_ms, self.own_ms + self.behind_ms) if self.behind else self.now_ms


def judge(
    own_ms: int,
    answers: Mapping[str, Answer],
    disputed_for_ms: int,
    delay_ms_max: int = DELAY_MS_MAX,
) -> Judgement:
    """The instant to delete by. Pure; never later than the own clock's.

    Sources that say it is ahead delay a deletion, each by its own instant, for ``delay_ms_max``
    of ``disputed_for_ms`` and no longer. A source that does not answer, or did too long ago, has
    no vote, and none that is ahead of the own clock makes a deletion earlier. What was said at
    some time in the past is a lower bound: it can only show that the own clock is behind.
    """
    ahead_of = {
        source: one.least_ms
        for source, one in sorted(answers.items())
        if one.live and 0 <= one.age_ms < DISAGREES_MS and own_ms - one.least_ms > DISAGREES_MS
    }
    behind = {
        source: one.least_ms
        for source, one in sorted(answers.items())
        if one.age_ms >= 0 and one.least_ms - own_ms > DISAGREES_MS
    }
    waits = ahead_of and disputed_for_ms < delay_ms_max
    return Judgement(min(ahead_of.values()) if waits else own_ms, own_ms, ahead_of, behind)


class DeletionClock:
    """The own clock, held against how much time has passed since this process began."""

    RECKONED: Final = "the time since this process began"

    def __init__(
        self,
        wall: WallClock = wall_ms,
        boot: WallClock = boot_ms,
        disputed_from_ms: int | None = None,
        delay_ms_max: int = DELAY_MS_MAX,
    ) -> None:
        self._wall = wall
        self._boot = boot
        self._delay_ms_max = delay_ms_max
        self._from_wall_ms, self._from_boot_ms = wall(), boot()
        self.disputed_from_ms = disputed_from_ms
        """Since when, by ``boot``, some source has said that the own clock is ahead; or None."""

    def now(self, answers: Mapping[str, Answer] | None = None) -> Judgement:
        """The instant to delete by; ``answers`` are those of clocks of other processes."""
        own_ms, boot_ms = self._wall(), self._boot()
        reckoned_ms = self._from_wall_ms + boot_ms - self._from_boot_ms
        every = {**(answers or {}), self.RECKONED: Answer(reckoned_ms, 0)}
        since_ms = boot_ms if self.disputed_from_ms is None else self.disputed_from_ms
        judged = judge(own_ms, every, boot_ms - since_ms, self._delay_ms_max)
        self.disputed_from_ms = since_ms if judged.ahead_of else None
        jumped = self.RECKONED in judged.ahead_of and boot_ms - since_ms >= self._delay_ms_max
        if own_ms < reckoned_ms or jumped:
            # From here on it is held against what it says now.
            self._from_wall_ms, self._from_boot_ms = own_ms, boot_ms
        return judged
