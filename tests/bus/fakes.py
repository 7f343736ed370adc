"""A group reader and a producer without Kafka, which write down what a loop did with them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bus.failures import SendFailedError
from bus.outgoing import Outgoing
from bus.ports import Fetched


class Partition(NamedTuple):
    topic: str
    partition: int


class Record(NamedTuple):
    partition: int
    offset: int
    value: bytes
    timestamp: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def records(partition: int, start: int, stop: int) -> dict[Partition, list[Record]]:
    return {
        Partition("in", partition): [Record(partition, n, b"%d" % n) for n in range(start, stop)]
    }


class FakeReader:
    """Obeys the port of ``GroupReader``; ``feed`` holds what the next fetches return."""

    def __init__(self, log: list[str], feed: Sequence[Mapping[Partition, list[Record]]]) -> None:
        self.busy = asyncio.Lock()
        self.generation = 0
        self.taken = 0
        self.feed = list(feed)
        self.log = log
        self.lost_commit = False
        self.due_failures = 0

    async def start(self) -> None:
        self.log.append("start")

    async def stop(self) -> None:
        self.log.append("reader stopped")

    async def fetch(self) -> Mapping[Partition, list[Record]]:
        await asyncio.sleep(0)
        return self.feed.pop(0) if self.feed else {}

    def assigned(self) -> set[Partition]:
        return {Partition("in", 0)}

    def pause(self, reason: str | None) -> None:
        if reason:
            self.log.append(f"paused {reason}")

    def seek(self, partition: Partition, offset: int) -> None:
        self.log.append(f"seek {partition.partition}@{offset}")

    def expect(self, partition: Partition, offset: int) -> None:
        pass

    def step_back(self, fetched: Fetched) -> None:
        self.log.append("step back")
        self.feed.insert(0, dict[Any, Any](fetched))

    async def learn_due(self, fetched: Fetched) -> None:
        if self.due_failures:
            self.due_failures -= 1
            raise TimeoutError

    def count_gaps(self, fetched: Fetched) -> None:
        self.log.append("gaps counted")

    async def commit(self, fetched: Fetched) -> bool:
        if self.lost_commit:
            self.lost_commit = False
            return False
        ends = {tp.partition: found[-1].offset + 1 for tp, found in fetched.items()}
        self.log.append(f"commit {ends}")
        return True

    def lag(self, fetched: Fetched) -> int:
        return 0


class FakeProducer:
    """Obeys the port of ``AckedProducer``; fails its first ``failures`` sends."""

    def __init__(self, log: list[str], failures: int = 0) -> None:
        self.log, self.failures, self.sent = log, failures, list[Outgoing]()

    async def send_all(self, outgoing: Sequence[Outgoing]) -> None:
        if self.failures:
            self.failures -= 1
            self.log.append("send failed")
            raise SendFailedError
        self.sent += outgoing
        self.log.append(f"acked {len(outgoing)}")

    async def settled(self) -> None:
        self.log.append("settled")

    async def stop(self) -> None:
        self.log.append("producer stopped")


Feed = Sequence[Mapping[Any, list[Record]]]
