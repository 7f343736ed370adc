from collections.abc import Collection, Sequence

import msgspec
import pytest

from bus.failures import HandlerWaitsError
from bus.memory.batch_reader import records_of
from bus.observer import BatchDone
from bus.records import Outgoing, ReadyBatch, Sendable
from office.errors import NotNowError
from office.keyring.memory import MemoryKeyring
from processors.core_path import core_path
from processors.people import People
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeyName
from roadfade import metrics
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from telemetry.arrived import Arrived
from telemetry.identity import DeviceId, EpochKey
from telemetry.instants import DAY_MS
from telemetry.topics import AUDIT_FLOW
from telemetry.wire.control import DeviceRegistration
from telemetry.wire.flow import FlowRecord, decode_flow
from tests.support.plans import PLAN, SPEED
from tests.support.ready_batches import needs_core
from tests.support.worlds import DEVICE, NOW_MS, column, envelope, known_world


def handler(
    keyring: MemoryKeyring, people: People | None = None, *, in_core: bool = False
) -> BatchHandler:
    program = build_program(PLAN)
    keys = KeyCache(keyring)
    people = known_world(PLAN).people if people is None else people
    processor = Processor(program, people, keys, lambda _, key: key[0] % 4)
    ready = ReadyVersion(program, processor, core_path(processor, None) if in_core else None)
    remembered = Remembered(lambda: ready, lambda: NOW_MS, 10_000)
    remembered.begin(2)
    return BatchHandler("telemetry.raw", remembered, keys, lambda: NOW_MS)


def arrived(offset: int, value: bytes) -> Arrived:
    return Arrived("telemetry.raw", 2, offset, NOW_MS, b"k", value, [])


GOOD = envelope({SPEED: column("km/h", [1.0, 2.0])})


def good(number: int) -> bytes:
    return envelope({SPEED: column("km/h", [1.0, number])})


def records(sent: Sequence[Sendable]) -> list[Outgoing]:
    """Ready batches taken apart."""
    return [
        record
        for one in sent
        for record in (records_of(one) if isinstance(one, ReadyBatch) else [one])
    ]


async def all_of(one: BatchHandler, arrived: Sequence[Arrived]) -> list[Sendable]:
    """What is sent if this slice is a whole batch."""
    answered = await one.handle(2, arrived)
    return [*one.take(), *answered]


def flow_of(sent: Sequence[Sendable]) -> FlowRecord:
    last = sent[-1]
    assert isinstance(last, Outgoing) and last.topic == AUDIT_FLOW and last.value is not None
    return decode_flow(last.value)


async def test_a_slice_ends_with_its_flow_record() -> None:
    out = await handler(MemoryKeyring()).handle(2, [arrived(7, GOOD), arrived(8, b"{")])
    record = flow_of(out)
    assert (record.partition, record.first, record.last) == (2, 7, 8)
    assert record.ledger["service"].delivered == 2
    assert record.rejected == {"malformed": 1}


async def test_missing_keys_are_made_before_anything_is_counted() -> None:
    keyring = MemoryKeyring()
    first = await all_of(handler(keyring), [arrived(7, GOOD)])
    assert keyring.state(("service", "team", "2026-10.3m")) == "live"
    again = await all_of(handler(keyring), [arrived(7, GOOD)])
    assert len(records(first)) > 1
    assert [record.key for record in records(first)] == [record.key for record in records(again)]


FULL = "its disk is full: free space there"


async def test_records_wait_while_no_key_can_be_made(caplog: pytest.LogCaptureFixture) -> None:
    class Full(MemoryKeyring):
        full = True

        def ensure(self, wanted: Collection[KeyName]) -> dict[KeyName, EpochKey]:
            if self.full:
                raise NotNowError(FULL)
            return super().ensure(wanted)

    keyring = Full()
    one = handler(keyring)
    for _ in range(2):
        with pytest.raises(HandlerWaitsError):
            await one.handle(2, [arrived(7, GOOD)])
        one.retrying("NotNowError", 100)
    assert [
        line.getMessage()
        for line in caplog.records
        if line.name == "roadfade.processes.worker.batch_handler"
    ] == [f"records wait: {FULL}"]
    keyring.full = False
    out = await all_of(one, [arrived(7, GOOD)])
    assert flow_of(out).ledger["service"].delivered == 2, "what waited is decided as at first"


async def test_metrics_grow_only_when_a_batch_is_durable() -> None:
    metric = metrics.READINGS_DELIVERED.labels("service")._value
    before = metric.get()
    one = handler(MemoryKeyring())
    await one.handle(2, [arrived(7, GOOD)])
    one.retrying("KafkaTimeoutError", 100)
    assert metric.get() == before
    await one.handle(2, [arrived(7, GOOD)])
    one.batch_done(BatchDone(1, 2, 5, 0))
    assert metric.get() == before + 2


async def test_a_batch_rests_on_the_rows_of_its_own_people() -> None:
    people = known_world(PLAN).people
    one = handler(MemoryKeyring(), people)
    begun = one.basis()
    await one.handle(2, [arrived(7, GOOD)])
    people.apply(b"d", DeviceRegistration(DeviceId("another"), 0))
    assert one.basis() == begun
    people.apply(b"d", DeviceRegistration(DeviceId(DEVICE), 0))
    assert one.basis() != begun, "it is decided anew"
    one.retrying("decided anew", 0)
    begun = one.basis()
    await one.handle(2, [arrived(7, GOOD)])
    assert one.basis() == begun
    one.batch_done(BatchDone(1, 2, 5, 0))
    people.apply(b"d", DeviceRegistration(DeviceId(DEVICE), 1))
    assert one.basis() == begun, "it is through"


@pytest.mark.parametrize("said_ms", [NOW_MS + 74 * 365 * DAY_MS, 0], ids=["2100", "1970"])
async def test_a_time_that_a_producer_gave_decides_nothing(said_ms: int) -> None:
    ahead = envelope({SPEED: column("km/h", [1.0])}, at_ms=NOW_MS + 73 * 365 * DAY_MS)
    flows = []
    for value in (GOOD, ahead):
        record = msgspec.structs.replace(
            arrived(7, value), timestamp_ms=said_ms, broker_dated=False
        )
        out = await handler(MemoryKeyring()).handle(2, [record])
        flows.append(flow_of(out))
    assert flows[0].ledger["service"].delivered == 2
    assert flows[1].rejected == {"from_the_future": 1}


async def test_ids_used_again_are_counted_when_the_batch_is_durable() -> None:
    before = metrics.REUSED_IDS._value.get()
    one = handler(MemoryKeyring())
    other = envelope({SPEED: column("km/h", [3.0])})
    await one.handle(2, [arrived(7, GOOD), arrived(8, GOOD), arrived(9, other)])
    one.batch_done(BatchDone(1, 2, 5, 0))
    assert metrics.REUSED_IDS._value.get() == before + 1


async def test_what_is_remembered_is_a_draft_until_the_batch_is_durable() -> None:
    one = handler(MemoryKeyring())
    first = await all_of(one, [arrived(7, GOOD)])
    one.retrying("KafkaTimeoutError", 100)
    again = await all_of(one, [arrived(7, GOOD)])
    assert again == first, "the state is that of before, also where keys were waited for"
    assert flow_of(again).ledger["research"].delivered == 1
    one.batch_done(BatchDone(1, 2, 5, 0))
    late = await one.handle(2, [arrived(8, GOOD)])
    assert flow_of(late).ledger["research"].delivered == 0


async def test_a_slice_that_waits_for_a_key_in_its_middle_begins_with_the_state_of_before() -> None:
    earlier = envelope({SPEED: column("km/h", [1.0])}, at_ms=NOW_MS - 100 * DAY_MS)
    out = await handler(MemoryKeyring()).handle(2, [arrived(7, GOOD), arrived(8, earlier)])
    assert flow_of(out).ledger["research"].delivered == 2


@needs_core
async def test_slices_of_a_batch_share_its_record_batches() -> None:
    one = handler(MemoryKeyring(), in_core=True)
    for offset in range(3):
        (flow,) = await one.handle(2, [arrived(offset, good(offset))])
        assert isinstance(flow, Outgoing) and flow.topic == AUDIT_FLOW
    assert one.held_bytes > 0
    taken = one.take()
    assert {type(each) for each in taken} == {ReadyBatch}
    places = [(each.topic, each.partition) for each in taken]
    assert len(places) == len(set(places)), "one batch for a partition, whatever the slices"
    of_service = [one for one in records(taken) if one.topic == "purpose.service"]
    assert len(of_service) == 3
    assert (one.held_bytes, one.take()) == (0, [])


@needs_core
async def test_what_is_not_sent_is_in_no_later_batch() -> None:
    one = handler(MemoryKeyring(), in_core=True)
    await one.handle(2, [arrived(7, good(7))])
    one.retrying("rebalanced", 0)
    assert (one.held_bytes, one.take()) == (0, [])


@needs_core
async def test_a_slice_that_waited_for_keys_is_in_the_batches_once() -> None:
    keyring = MemoryKeyring()
    made, exact = [
        sorted((one.topic, one.key or b"", one.value or b"") for one in records(sent))
        for sent in [
            await all_of(handler(keyring, in_core=in_core), [arrived(7, GOOD)])
            for in_core in (True, False)
        ]
    ]
    assert made == exact


async def test_what_was_not_sent_is_decided_anew_and_counted_once() -> None:
    metric = metrics.READINGS_DELIVERED.labels("service")._value
    before, one = metric.get(), handler(MemoryKeyring())
    other = envelope({SPEED: column("km/h", [3.0])}, at_ms=NOW_MS - 5_000)
    first = await all_of(one, [arrived(7, GOOD)])
    one.acknowledged()
    second = await all_of(one, [arrived(8, other)])
    one.decided_anew(1)
    assert await all_of(one, [arrived(8, other)]) == second, "as if it had not been handled"
    one.batch_done(BatchDone(2, 4, 5, 0))
    assert metric.get() - before == sum(
        flow_of(sent).ledger["service"].delivered for sent in (first, second)
    )


async def test_what_was_sent_used_its_bins_whatever_is_decided_anew() -> None:
    one = handler(MemoryKeyring())
    await all_of(one, [arrived(7, GOOD)])
    one.acknowledged()
    again = envelope({SPEED: column("km/h", [2.0])})
    assert flow_of(await all_of(one, [arrived(8, again)])).ledger["research"].delivered == 0
    one.decided_anew(1)
    assert flow_of(await all_of(one, [arrived(8, again)])).ledger["research"].delivered == 0
    one.retrying("rebalanced", 0)
    assert flow_of(await all_of(one, [arrived(8, again)])).ledger["research"].delivered == 1


async def test_what_was_sent_rests_on_no_row_any_more() -> None:
    people = known_world(PLAN).people
    one = handler(MemoryKeyring(), people)
    await one.handle(2, [arrived(7, GOOD)])
    begun = one.basis()
    one.acknowledged()
    people.apply(b"d", DeviceRegistration(DeviceId(DEVICE), 0))
    assert one.basis() == begun
    await one.handle(2, [arrived(8, GOOD)])
    people.apply(b"d", DeviceRegistration(DeviceId(DEVICE), 1))
    assert one.basis() != begun
