"""What other clocks say: the office's and the broker's, by the office's heartbeats.

A heartbeat names the time of the office, and the broker dates it as it comes. One that lay there
already shows only that it is not earlier; one that comes while the topic is read is an answer.
"""

import asyncio
import threading
from contextlib import suppress
from typing import Final

from bus.failures import BrokerError, TopicError, ViewOutdatedError
from bus.ports import Broker
from bus.view import Beat, CompactedView
from roadfade.clock import DISAGREES_MS, Answer, WallClock, boot_ms
from roadfade.in_force.control_rows import heartbeat_at
from sinks.port.records import INSTANT_MS_MAX
from telemetry.topics import CONTROL_POLICIES

OFFICE: Final = "the office's clock"
BROKER: Final = "the broker's clock"
MORE_S: Final = 5.0
"""For so much longer than the time between two heartbeats is one waited for."""
LOOK_EVERY_S: Final = 0.1


class HeardClocks:
    """The newest word of each clock. Any thread may tell and ask."""

    def __init__(self, boot: WallClock = boot_ms) -> None:
        self._boot = boot
        self._lock = threading.Lock()
        self._said: dict[str, tuple[int, int, bool]] = {}
        self._heard_ms: int | None = None

    def take(self, beat: Beat) -> None:
        """Hear a heartbeat now."""
        now_ms = self._boot()
        with self._lock:
            # The first after a silence may have lain at the broker for as long as that was.
            after_ms = None if self._heard_ms is None else now_ms - self._heard_ms
            live = beat.live and after_ms is not None and after_ms < DISAGREES_MS
            self._heard_ms = now_ms
            for source, at_ms in ((OFFICE, beat.at_ms), (BROKER, beat.stamp_ms)):
                if at_ms is not None and 0 <= at_ms <= INSTANT_MS_MAX:
                    self._said[source] = at_ms, now_ms, live

    def answers(self) -> dict[str, Answer]:
        """What was heard, by source; nothing of a clock that never said anything."""
        now_ms = self._boot()
        with self._lock:
            return {
                source: Answer(at_ms, now_ms - heard_ms, live)
                for source, (at_ms, heard_ms, live) in self._said.items()
            }

    def settled(self, own_ms: int) -> bool:
        """Whether waiting tells nothing more: all was live, or says that ``own_ms`` is not ahead.

        True if nothing was heard.
        """
        return all(
            one.live or own_ms - one.least_ms <= DISAGREES_MS for one in self.answers().values()
        )


async def _ask(broker: Broker, heard: HeardClocks, wall: WallClock) -> None:
    view = CompactedView(
        broker,
        CONTROL_POLICIES,
        lambda _key, _value: None,
        heartbeat_at=heartbeat_at,
        elapsed_ms=boot_ms,
        beat=heard.take,
    )
    reading = asyncio.create_task(view.run())
    try:
        while not reading.done() and not (view.ready.is_set() and heard.settled(wall())):
            await asyncio.wait((reading,), timeout=LOOK_EVERY_S)
    finally:
        await view.stop()
    await reading


async def hear_clocks(broker: Broker, heard: HeardClocks, wall: WallClock, wait_s: float) -> None:
    """Hear the other clocks before a deletion; no longer than ``wait_s``.

    It waits only if what lies there could mean that the own clock is ahead, and for no answer of
    a broker that is away: who does not answer has no vote.
    """
    with suppress(BrokerError, TopicError, ViewOutdatedError, TimeoutError, OSError):
        if await asyncio.to_thread(broker.answers):
            async with asyncio.timeout(wait_s):
                await _ask(broker, heard, wall)


def ask_clocks(broker: Broker, heard: HeardClocks, wall: WallClock, wait_s: float) -> None:
    """As ``hear_clocks``. Blocks."""
    asyncio.run(hear_clocks(broker, heard, wall, wait_s))
