"""The control topics read to their present end, with what heartbeats say of them.

In: a broker. Out: every partition as it lies. Nothing is written.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bus.pacing import all_at_once, monotonic_ms
from bus.partitions import partition_for
from bus.ports import Broker, Offsets
from office.ports import ControlRecord
from office.rebuilt.partition import Lying
from roadfade.refusal import Refusal
from telemetry.topics import CONTROL, CONTROL_SEALING, HEARTBEAT_KEY, is_kept_by_topics

STOP_DEADLINE_MS: Final = 10_000
SILENCE_MS_MAX: Final = 60_000
"""A broker from which nothing came for so long is away."""
LISTEN_MORE_S: Final = 1.0
Tell = Callable[[int, int], None]
"""Told how many records are read, and of how many."""


@dataclass(slots=True)
class Found:
    """What lies on the control topics. Partitions by topic and number."""

    partitions: Mapping[str, int]
    lying: Mapping[tuple[str, int], Lying]
    ends: Offsets
    misplaced: int = 0
    """Records in another partition than their key's: no view takes them, an office ends them."""

    def records(self) -> Iterator[ControlRecord]:
        """Every live row."""
        for (topic, number), one in self.lying.items():
            for key, value in one.rows.items():
                yield ControlRecord(topic, number, key, value)

    def new(self, topic: str) -> frozenset[str]:
        """Keys of rows of a topic that came behind the newest heartbeats."""
        theirs = (one.new for (name, _), one in self.lying.items() if name == topic)
        return frozenset(key.decode(errors="replace") for some in theirs for key in some)


async def read_topics(broker: Broker, tell: Tell) -> Found:
    """Read them; BrokerError or TimeoutError if the broker does not answer."""
    async with broker.admin() as admin:
        names = [name for name in await admin.names() if is_kept_by_topics(name)]
        described = await admin.describe(names)
    partitions = {name: one.partitions for name, one in described.items() if one is not None}
    async with broker.positions() as positions:
        begins, ends = await positions.begin(partitions), await positions.end(partitions)
    reading = _Reading(tell, sum(ends[at] - begins[at] for at in ends))
    each = [reading.topic(broker, topic, count) for topic, count in partitions.items()]
    lying: dict[tuple[str, int], Lying] = {}
    for one in await all_at_once(each):
        lying |= one
    return Found(partitions, lying, ends, reading.misplaced)


def missing_topics(found: Found, needed: Iterable[str]) -> list[str]:
    """Those that an office has had, and that are not there.

    That of sealing keys is younger than offices are, and its rows are made from the keys.
    """
    return sorted({*CONTROL, *needed} - {CONTROL_SEALING} - found.partitions.keys())


async def require_silence(broker: Broker, found: Found, heartbeat_every_s: float) -> None:
    """Refusal if an office publishes: two would send different rows under the same keys."""
    await asyncio.sleep(heartbeat_every_s + LISTEN_MORE_S)
    async with broker.positions() as positions:
        ends = await positions.end(found.partitions)
    if ends != found.ends:
        msg = (
            "somebody publishes to the control topics: an office runs (here or elsewhere), or a "
            "command does; stop it, and repeat"
        )
        raise Refusal(msg)


class _Reading:
    """Reads topics at once, and counts."""

    def __init__(self, tell: Tell, records: int) -> None:
        self.misplaced = 0
        self._tell = tell
        self._records = records
        self._done = 0

    async def topic(self, broker: Broker, topic: str, count: int) -> dict[tuple[str, int], Lying]:
        lying = {number: Lying() for number in range(count)}
        reader = broker.reader(topic, count)
        try:
            await reader.start()
            heard_ms = monotonic_ms()
            while not await reader.caught_up():
                fetched = await reader.fetch()
                if fetched:
                    heard_ms = monotonic_ms()
                elif monotonic_ms() - heard_ms > SILENCE_MS_MAX:
                    raise TimeoutError
                for (_, number), _, last in reader.set_aside():
                    lying[number].pass_over(last)
                for number, records in fetched.items():
                    for record in records:
                        key = record.key
                        if key is None or _belongs(key, number, count):
                            lying[number].take(record.offset, key, record.value)
                        else:
                            self.misplaced += 1
                    self._done += len(records)
                self._tell(min(self._done, self._records), self._records)
        finally:
            await reader.stop(STOP_DEADLINE_MS)
        return {(topic, number): one for number, one in lying.items()}


def _belongs(key: bytes, number: int, count: int) -> bool:
    return key == HEARTBEAT_KEY or partition_for(key, count) == number
