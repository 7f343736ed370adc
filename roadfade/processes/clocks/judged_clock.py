"""The own clock of a process that deletes, held against every other; what is told of it.

In: what other clocks said, the times of the store's files, the settings. Out: a judgement each time
one is asked for; metrics and one line of the log if clocks disagree.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from bus.ports import Broker
from roadfade import metrics
from roadfade.clock import Answer, DeletionClock, Judgement, WallClock, boot_ms, wall_ms
from roadfade.processes.clocks.dispute_mark import DisputeMark
from roadfade.processes.clocks.heard_clocks import MORE_S, HeardClocks, ask_clocks
from roadfade.processes.say_once import SayOnce
from roadfade.settings import Settings
from sinks.port.records import INSTANT_MS_MAX
from telemetry.instants import SECOND_MS

FILES: Final = "the times of the store's files"
logger = logging.getLogger(__name__)


class JudgedClock:
    """By which instant to delete. One thread at a time judges; any may read ``judged``."""

    def __init__(
        self,
        heard: HeardClocks,
        dispute_s_max: float,
        wall: WallClock = wall_ms,
        boot: WallClock = boot_ms,
        *,
        mark: DisputeMark | None = None,
        written: Callable[[], int | None] = lambda: None,
    ) -> None:
        """``mark`` keeps a dispute over restarts; ``written``: when the store was last written."""
        self._heard = heard
        self._delay_s_max = dispute_s_max
        self._mark = mark
        self._written = written
        disputed_from_ms = None if mark is None else mark.read()
        delay_ms_max = int(dispute_s_max * SECOND_MS)
        self._clock = DeletionClock(wall, boot, disputed_from_ms, delay_ms_max)
        self._say = SayOnce(logger)
        own_ms = wall()
        # Judging without having heard anybody would end a dispute that the mark kept.
        self.judged = Judgement(own_ms, own_ms)
        """The last judgement; before the first, the own clock's."""

    def judge(self) -> Judgement:
        """Judge now, and tell of it."""
        self.judged = self._clock.now(self._heard.answers() | self._files())
        self._tell(self.judged)
        return self.judged

    def keep(self) -> bool:
        """Write down whether there is a dispute; whether that could be done."""
        return self._mark is None or self._mark.keep(self._clock.disputed_from_ms)

    def _files(self) -> dict[str, Answer]:
        """A file that was written then shows that it is not earlier now, and nothing more.

        Its writer may be on another machine, its time may have been set since, and no writer may
        have written for days: so it never counts as an answer, which could put a deletion off.
        """
        written_ms = self._written()
        if written_ms is None or not 0 <= written_ms <= INSTANT_MS_MAX:
            return {}
        return {FILES: Answer(written_ms, 0, live=False)}

    def _tell(self, judged: Judgement) -> None:
        metrics.CLOCK_AHEAD.set(judged.ahead_ms / 1000)
        metrics.CLOCK_BEHIND.set(judged.behind_ms / 1000)
        if DeletionClock.RECKONED in judged.behind:
            metrics.CLOCK_SET_BACK.inc()
        if judged.ahead_of:
            # To a process that runs, being put right is a jump like any other.
            jumped = [*judged.ahead_of] == [DeletionClock.RECKONED]
            again = ", or at once if this process is started again" if jumped else ""
            self._say(
                f"this machine's clock is ahead of {' and '.join(judged.ahead_of)}: set right the "
                "one that is wrong. This machine's decides what is deleted after "
                f"{self._delay_s_max / 60:.3g} minutes{again}",
                about="clock ahead",
            )
        if judged.behind:
            self._say(
                f"this machine's clock is behind {' and '.join(judged.behind)}: set right the one "
                "that is wrong. If it is this machine's, rows stay for longer than they may",
                about="clock behind",
            )


async def clock_of_sink(settings: Settings, broker: Broker, heard: HeardClocks) -> WallClock:
    """By which instant a record has expired on arrival.

    It is not kept then, which cannot be taken back: so the own clock is held against others, as
    the sweep's is. What is kept meanwhile, the sweep removes in its time.
    """
    fixed_ms = settings.fixed_now_ms
    if fixed_ms is not None:
        return lambda: fixed_ms
    wait_s = settings.heartbeat_every_s + MORE_S
    await asyncio.to_thread(ask_clocks, broker, heard, wall_ms, wait_s)
    clock = JudgedClock(heard, settings.clock_dispute_s_max)
    return lambda: clock.judge().now_ms
