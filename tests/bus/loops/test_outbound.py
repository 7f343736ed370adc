"""A handler that keeps its records back: they leave together, once, and never without their batch."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from bus.loops.batch_loop import BatchSettings
from bus.loops.outbound import Outbound
from bus.memory.broker import FakeBroker
from bus.memory.faults import Event, Fault
from bus.records import Outgoing, Sendable
from bus.topics import TopicSpec
from telemetry.arrived import Arrived
from tests.integration.bus_road import IN, OUT, Noted, Through, copier, running, until
from tests.support.fast_time import fast_time
from tests.support.ready_batches import Plain, ready_of_aiokafka

FLOW = "flow"


@pytest.fixture
async def broker() -> FakeBroker:
    made = FakeBroker(lambda: 1_000)
    await made.admin().create([TopicSpec(name, 1, {}) for name in (IN, OUT, FLOW)])
    return made


@pytest.fixture(autouse=True)
async def _fast() -> AsyncIterator[None]:
    with fast_time():
        yield


class Keeping:
    """Gathers the values of its slices, and hands over one record that tells of each slice."""

    def __init__(self) -> None:
        self._values: list[bytes] = []
        self.after_slice: Callable[[], None] = lambda: None

    async def handle(self, partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        self._values += [record.value or b"" for record in records]
        self.after_slice()
        return [Outgoing(FLOW, partition, b"k", b"%d" % len(records))]

    def held_bytes(self) -> int:
        return sum(map(len, self._values))

    def take(self) -> Sequence[Sendable]:
        records, self._values = [Plain(None, value) for value in self._values], []
        return [ready_of_aiokafka(OUT, 0, records, None)] if records else ()

    def drop(self) -> None:
        self._values = []


class Listing(Through):
    """A producer that notes the topics of what each send had."""

    def __init__(self, broker: FakeBroker) -> None:
        super().__init__(broker)
        self.sends: list[list[str]] = []

    async def send_all(self, outgoing: Sequence[Sendable]) -> None:
        if outgoing:
            self.sends.append([one.topic for one in outgoing])
        await super().send_all(outgoing)


def values(broker: FakeBroker, topic: str = OUT) -> list[bytes]:
    return [record.value or b"" for record in broker.records(topic)]


def numbers(stop: int) -> list[bytes]:
    return [b"%d" % n for n in range(stop)]


async def carry(broker: FakeBroker, records: int, keeping: Keeping, **options: Any) -> Listing:
    noted, producer = Noted(), Listing(broker)
    loop = copier(
        broker, noted, handle=keeping.handle, gathering=keeping, producer=producer, **options
    )
    async with running(loop) as tasks:
        await until(lambda: noted.records >= records, *tasks)
    return producer


async def test_what_was_gathered_of_all_slices_leaves_at_once_before_what_tells_of_it(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(25))
    sent = await carry(broker, 25, Keeping(), settings=BatchSettings(slice_records_max=10))
    assert sent.sends == [[OUT, FLOW, FLOW, FLOW]]
    assert values(broker) == numbers(25)
    assert values(broker, FLOW) == [b"10", b"10", b"5"]


async def test_what_is_gathered_counts_for_the_limit_of_what_is_held(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *[b"x" * 40] * 9)
    settings = BatchSettings(slice_records_max=1, held_bytes_max=100)
    sent = await carry(broker, 9, Keeping(), settings=settings)
    assert sent.sends == [[OUT, FLOW, FLOW, FLOW]] * 3


async def test_what_was_gathered_for_a_send_that_failed_is_gathered_again(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(12))
    broker.fail_next(Fault.REFUSED)
    await carry(broker, 12, Keeping(), settings=BatchSettings(slice_records_max=5))
    assert values(broker) == numbers(12)


async def test_what_was_gathered_for_a_batch_that_is_decided_anew_is_not_sent(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(12))
    keeping, changes = Keeping(), iter((1, 2))
    basis = 0

    def change() -> None:
        nonlocal basis
        basis = next(changes, basis)

    keeping.after_slice = change
    settings = BatchSettings(slice_records_max=5)
    await carry(broker, 12, keeping, basis=lambda: basis, settings=settings)
    assert values(broker) == numbers(12)
    assert values(broker, FLOW) == [b"5", b"5", b"2"]


async def test_a_rebalance_between_two_batches_doubles_nothing(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(5), Event.REBALANCE, *[b"later"] * 4)
    await carry(broker, 9, Keeping())
    assert values(broker) == [*numbers(5), *[b"later"] * 4]


def test_what_another_batch_left_is_dropped_and_nothing_is_left_after_taking() -> None:
    keeping = Keeping()
    keeping._values = [b"left"]
    outbound = Outbound(keeping)
    assert not outbound
    keeping._values = [b"new"]
    outbound.add([Outgoing(FLOW, 0, b"k", b"12")])
    assert (bool(outbound), outbound.held_bytes) == (True, 5)
    assert [one.topic for one in outbound.take()] == [OUT, FLOW]
    assert (bool(outbound), outbound.held_bytes) == (False, 0)
