"""The loops survive everything that can go wrong, on the broker in memory.

That they do on Kafka, as far as it can be made to go wrong there, is in ``contract``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import chain, repeat
from typing import Any

import pytest

from bus.failures import BrokerError, GaveUpError, SendFailedError
from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.memory.broker import FakeBroker
from bus.memory.faults import Event, Fault
from bus.ports import ReaderSettings
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from bus.view import CompactedView
from telemetry.arrived import Arrived
from tests.integration.bus_road import GROUP, IN, OUT, Noted, copier, copy, running, until
from tests.support.fast_time import fast_time


@pytest.fixture
async def broker() -> FakeBroker:
    """A topic to read from and one to write to, of one partition each."""
    made = FakeBroker(lambda: 1_000)
    await made.admin().create([TopicSpec(IN, 1, {}), TopicSpec(OUT, 1, {})])
    return made


@pytest.fixture(autouse=True)
async def _fast() -> AsyncIterator[None]:
    with fast_time():
        yield


def numbers(start: int, stop: int) -> list[bytes]:
    return [b"%d" % n for n in range(start, stop)]


def written(broker: FakeBroker) -> list[bytes]:
    return [record.value or b"" for record in broker.records(OUT)]


async def carry(broker: FakeBroker, records: int, **options: Any) -> Noted:
    """Copy until this many records are committed."""
    noted = Noted()
    async with running(copier(broker, noted, **options)) as tasks:
        await until(lambda: noted.records >= records, *tasks)
    return noted


async def test_without_a_fault_every_record_is_copied_once(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 9))
    noted = await carry(broker, 9)
    assert written(broker) == numbers(0, 9)
    assert broker.committed(GROUP) == {(IN, 0): 9}
    assert noted.retries == noted.missed == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault.REFUSED, numbers(0, 4)),
        (Fault.HALF_WRITTEN, numbers(0, 2) + numbers(0, 4)),
        (Fault.ACK_LOST, numbers(0, 4) * 2),
    ],
)
async def test_a_failed_send_is_done_again_and_loses_nothing(
    broker: FakeBroker, fault: Fault, found: list[bytes]
) -> None:
    broker.feed(IN, 0, *numbers(0, 4))
    broker.fail_next(fault)
    noted = await carry(broker, 4)
    assert written(broker) == found
    assert len(noted.retries) == 1
    assert broker.committed(GROUP) == {(IN, 0): 4}


async def test_an_old_attempt_never_lands_behind_its_successor(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 4))
    broker.fail_next(Fault.ACK_LATE)
    await carry(broker, 4, settings=BatchSettings(ReaderSettings(records_max=2)))
    assert written(broker) == numbers(0, 2) + numbers(0, 4)


async def test_what_is_late_lands_behind_the_sends_of_who_does_not_wait(
    broker: FakeBroker,
) -> None:
    producer = broker.producer(clock=lambda: 0)
    broker.fail_next(Fault.ACK_LATE)
    with pytest.raises(SendFailedError):
        await producer.send_all([Outgoing(OUT, 0, b"k", b"old")])
    await producer.send_all([Outgoing(OUT, 0, b"k", b"new")])
    await producer.stop()
    assert written(broker) == [b"new", b"old"]


async def test_a_publisher_keeps_the_order_of_a_key_over_a_retry(broker: FakeBroker) -> None:
    broker.fail_next(Fault.ACK_LATE)
    async with Publisher(broker, clock=lambda: 0) as publisher:
        for value in numbers(0, 3):
            await publisher.publish([Outgoing(OUT, None, b"k", value)])
    assert written(broker) == [b"0", *numbers(0, 3)]


async def test_nothing_of_a_batch_that_failed_is_counted_twice(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 3))
    await carry(broker, 3)
    broker.feed(IN, 0, *numbers(3, 9))
    broker.delete_before(IN, 0, 5)
    broker.fail_next(Fault.REFUSED)
    noted = await carry(broker, 4)
    assert noted.expired == {0: 2}
    assert not noted.again


def failing_once(broker: FakeBroker, fault: Fault) -> Any:
    """A handler that lets the commit after its first batch fail."""
    left = [fault]

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        if left:
            broker.fail_next(left.pop())
        return await copy(partition, records)

    return handle


async def test_a_commit_without_an_answer_is_covered_by_the_next(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 9))
    handle = failing_once(broker, Fault.COMMIT_LOST)
    settings = BatchSettings(ReaderSettings(records_max=5))
    noted = await carry(broker, 9, handle=handle, settings=settings)
    assert noted.missed == ["TimeoutError"]
    assert broker.committed(GROUP) == {(IN, 0): 9}
    assert written(broker) == numbers(0, 9)


async def test_a_refused_commit_is_reported_and_the_loop_goes_on(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    noted = await carry(broker, 5, handle=failing_once(broker, Fault.COMMIT_REFUSED))
    assert noted.missed == ["CommitRefusedError"]
    assert not any(broker.committed(GROUP).values())


@pytest.mark.parametrize(
    "fault", [Fault.COMMIT_LOST, Fault.COMMIT_REFUSED], ids=["lost", "refused"]
)
async def test_what_could_not_be_noted_is_not_begun(broker: FakeBroker, fault: Fault) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    broker.fail_next(fault)
    noted = await carry(broker, 5)
    assert len(noted.retries) == 1
    assert noted.missed == []
    assert broker.committed(GROUP) == {(IN, 0): 5}
    assert written(broker) == numbers(0, 5)


async def test_failing_without_end_ends_the_loop_and_commits_nothing(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    broker.fail_next(*[Fault.REFUSED] * 1_000)
    loop = copier(broker, Noted(), settings=BatchSettings(give_up_ms=60_000))
    with pytest.raises(GaveUpError):
        await loop.run()
    assert not any(broker.committed(GROUP).values())
    assert written(broker) == []


async def test_a_partition_is_handed_over_in_slices(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 25))
    pieces: list[int] = []

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        pieces.append(len(records))
        return await copy(partition, records)

    await carry(broker, 25, handle=handle, settings=BatchSettings(slice_records_max=10))
    assert pieces == [10, 10, 5]


async def test_a_rebalance_between_two_batches_doubles_nothing(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5), Event.REBALANCE, *numbers(5, 9), Event.REBALANCE)
    broker.feed(IN, 0, *numbers(9, 12))
    noted = await carry(broker, 12)
    assert written(broker) == numbers(0, 12)
    assert len(noted.batches) == 3
    assert not noted.again


async def test_a_rebalance_waits_for_the_batch_in_hand(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    sharing: list[asyncio.Task[None]] = []

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        sharing.append(asyncio.create_task(broker.rebalance(GROUP)))
        await asyncio.sleep(1)
        assert not sharing[0].done()
        return await copy(partition, records)

    noted = await carry(broker, 5, handle=handle)
    await asyncio.gather(*sharing)
    assert written(broker) == numbers(0, 5)
    assert broker.committed(GROUP) == {(IN, 0): 5}
    assert not noted.missed


async def test_a_static_member_that_was_forgotten_leaves_its_share_to_others(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    await carry(broker, 5, member="worker-0")
    broker.feed(IN, 0, *numbers(5, 9))
    noted = Noted()
    async with running(copier(broker, noted, member="worker-1")) as tasks:
        await asyncio.sleep(5)
        assert noted.records == 0
        broker.forget_member(GROUP, "worker-0")
        await until(lambda: noted.records == 4, *tasks)


async def test_a_broker_that_returns_finds_everything_going_on(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5), Event.AWAY, *numbers(5, 9))
    noted = Noted()
    async with running(copier(broker, noted)) as tasks:
        await until(lambda: noted.records == 5, *tasks)
        await asyncio.sleep(60)
        assert noted.records == 5
        with pytest.raises(BrokerError):
            await broker.admin().describe([IN])
        broker.come_back()
        await until(lambda: noted.records == 9, *tasks)
    assert Counter(written(broker)) == Counter(numbers(0, 9))


async def test_what_a_broker_misses_in_the_middle_of_a_batch_is_done_again(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    noted = Noted()

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        if not noted.retries:
            broker.go_away()
        return await copy(partition, records)

    async with running(copier(broker, noted, handle=handle)) as tasks:
        await until(lambda: bool(noted.retries), *tasks)
        await asyncio.sleep(60)
        broker.come_back()
        await until(lambda: noted.records == 5, *tasks)
    assert written(broker) == numbers(0, 5)


async def test_an_unknown_committed_offset_is_asked_again(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    noted = Noted()

    def away_once_it_fetched() -> None:
        """Asked before a fetch, and again before its batch is handled."""
        if not noted.retries and next(asked):
            broker.go_away()

    asked = iter([False, True])
    async with running(copier(broker, noted, pause_reason=away_once_it_fetched)) as tasks:
        await until(lambda: bool(noted.retries), *tasks)
        assert written(broker) == []
        broker.come_back()
        await until(lambda: noted.records == 5, *tasks)
    assert written(broker) == numbers(0, 5)


async def test_a_topic_made_anew_is_read_from_its_start_and_reported(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 5), Event.REMADE)
    noted = Noted()
    async with running(copier(broker, noted)) as tasks:
        await until(lambda: noted.records == 5 and not broker.records(IN), *tasks)
        broker.feed(IN, 0, *numbers(5, 7))
        await until(lambda: noted.records == 7, *tasks)
    assert noted.again == {0: 5}


async def test_a_vanished_topic_gives_nothing_and_takes_nothing(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    await broker.admin().delete([OUT])
    loop = copier(broker, noted := Noted(), settings=BatchSettings(give_up_ms=1_000))
    with pytest.raises(GaveUpError):
        await loop.run()
    assert noted.records == 0
    assert not any(broker.committed(GROUP).values())


async def test_a_view_is_stale_while_the_broker_is_away_and_right_afterwards(
    broker: FakeBroker,
) -> None:
    rows: dict[bytes, bytes | None] = {}
    view = CompactedView(broker, IN, rows.__setitem__, heartbeat_at=int, elapsed_ms=lambda: 0)
    reading = asyncio.create_task(view.run())

    def beat(at_ms: int) -> Outgoing:
        return Outgoing(IN, 0, b"~heartbeat", b"%d" % at_ms)

    broker.feed(IN, 0, beat(1_000), Outgoing(IN, 0, b"row", b"1"))
    await until(lambda: view.heartbeat_ms == 1_000 and bool(rows), reading)
    broker.go_away()
    broker.feed(IN, 0, Outgoing(IN, 0, b"row", None), beat(90_000))
    await asyncio.sleep(60)
    assert not view.fresh(31_001)
    assert rows == {b"row": b"1"}
    broker.come_back()
    await until(lambda: view.heartbeat_ms == 90_000, reading)
    assert rows == {b"row": None}
    await view.stop()
    await reading


async def test_a_loop_on_a_broker_that_is_away_at_its_start_ends_at_once(
    broker: FakeBroker,
) -> None:
    broker.go_away()
    loop = BatchLoop(broker, IN, GROUP, copy, broker.producer(clock=lambda: 0))
    with pytest.raises(BrokerError):
        await loop.run()


async def test_a_turn_decides_once_and_what_no_longer_holds_is_not_handled(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 5))
    steps: list[str] = []
    holds = iter(["policy changed"])

    def pause_reason() -> str | None:
        steps.append("still?")
        return next(holds, None)

    await carry(broker, 5, begin=lambda: steps.append("begin"), pause_reason=pause_reason)
    assert steps[:4] == ["begin", "still?", "begin", "still?"]
    assert written(broker) == numbers(0, 5)


async def test_a_turn_without_records_decides_too(broker: FakeBroker) -> None:
    turns: list[None] = []
    async with running(copier(broker, Noted(), begin=lambda: turns.append(None))) as tasks:
        await until(lambda: len(turns) > 1, *tasks)
    assert written(broker) == []


SMALL = BatchSettings(slice_records_max=5)


async def test_a_batch_that_was_frozen_in_hand_is_not_sent_once_its_view_is_stale(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 10))
    now_s, heard_s = 0, 0
    noted = Noted()

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        nonlocal now_s
        made = await copy(partition, records)
        if not noted.retries and records[-1].offset == 9:
            now_s = 3_600  # stopped here, and woken
        return made

    def stale() -> str | None:
        return "stale" if now_s - heard_s > 30 else None

    loop = copier(broker, noted, handle=handle, pause_reason=stale, settings=SMALL)
    async with running(loop) as tasks:
        await until(lambda: noted.pauses == ["stale"], *tasks)
        assert written(broker) == []
        assert not any(broker.committed(GROUP).values())
        heard_s = now_s
        await until(lambda: noted.records == 10, *tasks)
    assert written(broker) == numbers(0, 10)
    assert noted.retries == ["paused"]


async def test_what_is_withdrawn_while_a_batch_is_in_hand_is_decided_anew(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 10))
    withdrawn: set[bytes] = set()

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        made = [one for one in await copy(partition, records) if one.value not in withdrawn]
        if records[-1].offset == 9:
            withdrawn.add(b"3")  # of the first slice, which was decided before
        return made

    noted = await carry(
        broker, 10, handle=handle, basis=lambda: frozenset(withdrawn), settings=SMALL
    )
    assert written(broker) == [one for one in numbers(0, 10) if one != b"3"]
    assert (noted.retries, noted.decided_again) == ([], [10])


class _Keeping(Noted):
    """A handler that answers nothing, and gives what it made as it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Outgoing] = []
        self.takes: list[int] = []

    async def handle(self, partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        self.kept += await copy(partition, records)
        return []

    @property
    def held_bytes(self) -> int:
        return len(self.kept)

    def take(self) -> list[Outgoing]:
        taken, self.kept = self.kept, []
        self.takes.append(len(taken))
        return taken

    def retrying(self, reason: str, wait_ms: int) -> None:
        super().retrying(reason, wait_ms)
        self.kept = []

    def decided_anew(self, records: int) -> None:
        super().decided_anew(records)
        self.kept = []


async def test_what_a_handler_keeps_back_is_sent_with_the_batch(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 20))
    keeping = _Keeping()
    loop = copier(broker, keeping, handle=keeping.handle, kept_back=keeping, settings=SMALL)
    async with running(loop) as tasks:
        await until(lambda: keeping.records == 20, *tasks)
    assert written(broker) == numbers(0, 20)
    assert keeping.takes == [20], "once for all slices"


async def test_no_more_is_kept_back_than_may_be_held(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 20))
    keeping = _Keeping()
    settings = BatchSettings(slice_records_max=5, held_bytes_max=10)
    loop = copier(broker, keeping, handle=keeping.handle, kept_back=keeping, settings=settings)
    async with running(loop) as tasks:
        await until(lambda: keeping.records == 20, *tasks)
    assert written(broker) == numbers(0, 20)
    assert [taken for taken in keeping.takes if taken] == [10, 10]


async def test_what_is_kept_back_of_a_batch_that_is_decided_anew_is_not_sent(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 10))
    keeping = _Keeping()
    bases = chain([0, 1], repeat(2))
    loop = copier(
        broker, keeping, handle=keeping.handle, kept_back=keeping, basis=lambda: next(bases)
    )
    async with running(loop) as tasks:
        await until(lambda: keeping.records == 10, *tasks)
    assert (keeping.retries, keeping.decided_again) == ([], [10])
    assert written(broker) == numbers(0, 10)


async def test_what_was_sent_is_not_decided_anew(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 20))
    handled: list[int] = []

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        handled.append(records[0].offset)
        return await copy(partition, records)

    # Ten bytes go out at a time; what changes with the third slice is noticed behind it.
    settings = BatchSettings(slice_records_max=5, held_bytes_max=10)
    noted = await carry(
        broker, 20, handle=handle, basis=lambda: handled.count(10) > 0, settings=settings
    )
    assert written(broker) == numbers(0, 20)
    assert (handled, noted.decided_again) == ([0, 5, 10, 10, 15], [5])


async def test_what_changes_in_every_slice_holds_nothing_up(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 20))
    changes = 0

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        nonlocal changes
        changes += 1
        return await copy(partition, records)

    noted = await carry(broker, 20, handle=handle, basis=lambda: changes, settings=SMALL)
    assert written(broker) == numbers(0, 20)
    assert (noted.retries, noted.decided_again) == ([], [5] * 8)


async def test_a_slice_that_is_sent_alone_is_not_sent_once_its_view_is_stale(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 10))
    changes, reasons = 0, ["stale"]

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        nonlocal changes
        changes += 1
        return await copy(partition, records)

    def stale() -> str | None:
        # The second slice, which is about to be sent alone, finds its view stale.
        return reasons.pop() if changes == 6 and reasons else None

    noted = await carry(
        broker, 10, handle=handle, basis=lambda: changes, pause_reason=stale, settings=SMALL
    )
    assert noted.retries == ["paused"]
    assert written(broker) == [*numbers(0, 5), *numbers(0, 10)], "again, never unasked"


async def carry_to(broker: FakeBroker, offset: int) -> Noted:
    """Copy until this offset is committed."""
    noted = Noted()
    async with running(copier(broker, noted)) as tasks:
        await until(lambda: broker.committed(GROUP).get((IN, 0)) == offset, *tasks)
    return noted


async def test_a_bomb_at_the_end_is_passed_over_without_a_record_behind_it(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, *numbers(0, 3))
    broker.drop_bomb(IN, 0)
    noted = await carry_to(broker, 4)
    assert written(broker) == numbers(0, 3)
    assert not noted.expired
    # The one who comes next is not told again of what is committed, and nothing is missing.
    broker.feed(IN, 0, *numbers(4, 6))
    noted = await carry_to(broker, 6)
    assert (noted.expired, noted.again) == ({}, {})


async def test_nothing_in_hand_is_passed_over_with_a_bomb_behind_it(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *numbers(0, 3))
    broker.drop_bomb(IN, 0)
    broker.fail_next(Fault.REFUSED, Fault.HALF_WRITTEN)
    await carry_to(broker, 4)
    assert set(written(broker)) == set(numbers(0, 3))


async def test_a_bomb_that_is_all_there_is_leaves_no_lag(broker: FakeBroker) -> None:
    broker.drop_bomb(IN, 0)
    await carry_to(broker, 1)
    broker.feed(IN, 0, *numbers(0, 3))
    noted = await carry_to(broker, 4)
    assert written(broker) == numbers(0, 3)
    assert not noted.expired
