"""What lies in the control topics, and whether one of them lost its end.

In: a broker. Out: the office's way to publish there, which knows whether a command waits for a
heartbeat; the live rows of every partition, and an answer that is true once after a topic went back
or became another: it was truncated or made anew, and what the office published may be missing.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bus.pacing import all_at_once
from bus.ports import Broker, Offsets
from bus.publisher import Publisher
from bus.records import Outgoing
from office.ports import ControlRecord, PublishRecords
from telemetry.topics import HEARTBEAT_KEY, commanded_output
from telemetry.wire.topic_contents import RunningContents

STOP_DEADLINE_MS: Final = 10_000


def publish_through(publisher: Publisher) -> PublishRecords:
    """The office's port, over Kafka."""

    async def publish(records: Sequence[ControlRecord]) -> None:
        await publisher.publish([Outgoing(r.topic, r.partition, r.key, r.value) for r in records])

    return publish


class CommandNotice:
    """Publishes, and knows whether commands wait for a heartbeat: none is carried out before."""

    def __init__(self, publish: PublishRecords) -> None:
        self._publish = publish
        self.waiting = False

    async def __call__(self, records: Sequence[ControlRecord]) -> None:
        """Publish; what that raises goes through."""
        await self._publish(records)
        for record in records:
            if commanded_output(record.topic) is not None:
                self.waiting = record.key != HEARTBEAT_KEY


async def lying_in(
    broker: Broker, partitions: Mapping[str, int]
) -> dict[tuple[str, int], RunningContents]:
    """The rows of every partition, read to its present end; BrokerError if that is refused."""
    # All at once: no heartbeat goes out meanwhile, and a reader takes half a second to start.
    each = [_lying_in(broker, topic, count) for topic, count in partitions.items()]
    found: dict[tuple[str, int], RunningContents] = {}
    for rows in await all_at_once(each):
        found |= rows
    return found


async def _lying_in(
    broker: Broker, topic: str, count: int
) -> dict[tuple[str, int], RunningContents]:
    found = {(topic, number): RunningContents() for number in range(count)}
    reader = broker.reader(topic, count)
    try:
        await reader.start()
        while not await reader.caught_up():
            for number, records in (await reader.fetch()).items():
                for record in records:
                    if record.key is not None and record.key != HEARTBEAT_KEY:
                        found[topic, number].take(record.key, record.value)
    finally:
        await reader.stop(STOP_DEADLINE_MS)
    return found


class EndWatch:
    """Remembers where topics end, and which topics they are."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._ends: Offsets = {}
        self._ids: Mapping[str, str] = {}

    async def went_back(self, partitions: Mapping[str, int]) -> bool:
        """Whether a partition ends before it did when last asked, or a topic is another one."""
        async with self._broker.topic_ids() as asked:
            ids = await asked.of(list(partitions))
        async with self._broker.positions() as positions:
            ends = await positions.end(partitions)
        ends_before, self._ends = self._ends, ends
        ids_before, self._ids = self._ids, ids
        # Filled again past its old end, a topic made anew differs by its id alone.
        anew = any(ids_before.get(topic, topic_id) != topic_id for topic, topic_id in ids.items())
        return anew or any(end < ends_before.get(at, 0) for at, end in ends.items())
