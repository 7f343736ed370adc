"""A whole worker on a broker in memory: what comes in, what leaves, and when it waits."""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bus.loops.attempts import ATTEMPTS_MAX
from bus.memory.broker import FakeBroker
from bus.memory.cluster import PartitionLog, Stored
from bus.memory.faults import Fault
from bus.records import Outgoing
from ingest.sealing import Seal
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.keyring.period_keys import name_of, public_key
from roadfade import metrics
from roadfade.clock import wall_ms
from roadfade.in_force.source import PolicySource
from roadfade.processes.reporting import Reporter
from roadfade.processes.worker import process
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.process import assemble
from roadfade.raw_partitions import raw_partitions
from roadfade.settings import Settings
from telemetry.arrived import Arrived
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.instants import parse_instant
from telemetry.periods import Period
from telemetry.topics import (
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL,
    CONTROL_LINKS,
    CONTROL_OF_WORKERS,
    CONTROL_POLICIES,
    HEARTBEAT_KEY,
    RAW,
    WORKER_GROUP,
)
from telemetry.wire.control import (
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    encode_row,
)
from telemetry.wire.flow import decode_flow
from telemetry.wire.process_report import take_report
from telemetry.wire.sealing_key import SealingKey
from tests.integration.bus_road import until
from tests.support.documents import FILES
from tests.support.fast_time import fast_time
from tests.support.plans import SPEED
from tests.support.small_house import (
    FIRST,
    NOW_MS,
    SURVEY,
    Clock,
    make_topics,
    settings_in,
    tell,
    version,
)
from tests.support.worlds import DEVICE, column, envelope

STUDY, SURVEYED = "purpose.study", "purpose.survey"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path)
    made.state_dir.mkdir()
    FileKek(made.kek_file).add()
    return made


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[FakeBroker]:
    """Topics, the first version, and one registered device with somebody behind it."""
    made = FakeBroker(lambda: NOW_MS)
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    secret = LinkSecret(hashlib.sha256(b"link").digest())
    device = DeviceId(DEVICE)
    rows: dict[bytes, ControlRow] = {
        b"device": DeviceRegistration(device, 0),
        b"link": LinkInterval("link", device, SubjectId("subject"), secret, 0, None, "driver"),
    }
    for key, row in rows.items():
        made.put(CONTROL_LINKS, key, encode_row(row))
    with fast_time():
        yield made


def beat(broker: FakeBroker, at_ms: int | None = None, topics: Collection[str] = CONTROL) -> None:
    """The office lives: a heartbeat in every partition of every control topic."""
    value = encode_row(Heartbeat(wall_ms() if at_ms is None else at_ms, 0))
    for topic in topics:
        for partition in (0, 1):
            broker.feed(topic, partition, Outgoing(topic, partition, HEARTBEAT_KEY, value))


def drive(broker: FakeBroker, partition: int, *ids: int) -> None:
    """One envelope for each id, with two speeds of a minute of its own."""
    for one in ids:
        series = {SPEED: column("km/h", [43.5, 44.0], step_ms=20_000)}
        value = envelope(series, NOW_MS - 60_000 * (1 + one), id=f"01K0000000000000000000{one:04d}")
        broker.feed(RAW, partition, Outgoing(RAW, partition, b"k", value))


@asynccontextmanager
async def working(
    settings: Settings,
    broker: FakeBroker,
    member: str = "worker-0",
    heard: FakeBroker | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    async with PolicySource.open(settings, broker) as source:
        await source.checked()
    # What it says of itself would take the faults of a test that fails the next send.
    heard = heard or FakeBroker(lambda: NOW_MS)
    reporter = Reporter(settings, heard, member, "", host="here")
    plane = await asyncio.to_thread(assemble, settings, broker, source, member, reporter)
    task = asyncio.create_task(plane.run())
    try:
        yield task
    finally:
        await plane.stop()
        await asyncio.gather(task, return_exceptions=True)


def header(record: Stored, name: str) -> bytes:
    return dict(record.headers)[name]


async def test_what_a_device_sent_leaves_for_its_purpose_and_is_accounted_for(
    settings: Settings, broker: FakeBroker
) -> None:
    drive(broker, 1, 1, 2)
    beat(broker)
    async with working(settings, broker) as task:
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 1)) == 2, task)
    records = broker.records(STUDY)
    assert len({header(record, "ce_id") for record in records}) == len(records) == 2
    (accounted,) = [decode_flow(record.value or b"") for record in broker.records(AUDIT_FLOW)]
    assert (accounted.first, accounted.last) == (0, 1)
    assert accounted.ledger["study"].delivered == 4
    assert all(DEVICE.encode() not in (record.value or b"") for record in records)


async def test_it_says_that_it_runs_and_that_it_was_asked_to_end(
    settings: Settings, broker: FakeBroker
) -> None:
    beat(broker)
    async with working(settings, broker, heard=broker) as task:
        await until(lambda: bool(broker.records(AUDIT_PROCESSES)), task)
    said = [take_report(record.value) for record in broker.records(AUDIT_PROCESSES)]
    states = [(one.process, one.state) for one in said if one is not None]
    assert (states[0], states[-1]) == (("worker-0", "running"), ("worker-0", "ended"))
    assert all(DEVICE.encode() not in (one.value or b"") for one in broker.records(AUDIT_PROCESSES))


async def test_whoever_stops_it_may_cancel_it_then_and_its_last_word_is_said(
    settings: Settings, broker: FakeBroker
) -> None:
    beat(broker)
    async with PolicySource.open(settings, broker) as source:
        await source.checked()
    reporter = Reporter(settings, broker, "worker-0", "", host="here")
    plane = await asyncio.to_thread(assemble, settings, broker, source, "worker-0", reporter)
    task = asyncio.create_task(plane.run())
    await until(lambda: bool(broker.records(AUDIT_PROCESSES)), task)
    await plane.stop()
    task.cancel()
    last = take_report(broker.records(AUDIT_PROCESSES)[-1].value)
    assert last is not None
    assert last.state == "ended"
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("silent", CONTROL_OF_WORKERS)
async def test_without_a_heartbeat_nothing_is_decided(
    settings: Settings, broker: FakeBroker, silent: str
) -> None:
    drive(broker, 0, 1)
    beat(broker, wall_ms() - 3_600_000, [silent])
    beat(broker, topics=set(CONTROL) - {silent})
    async with working(settings, broker) as task:
        await asyncio.sleep(60)
        assert broker.records(STUDY) == []
        assert broker.committed(WORKER_GROUP) == {}
        beat(broker)
        await until(lambda: len(broker.records(STUDY)) == 1, task)


@pytest.mark.parametrize("fault", [Fault.ACK_LOST, Fault.HALF_WRITTEN, Fault.ACK_LATE])
async def test_what_leaves_twice_carries_the_same_id(
    settings: Settings, broker: FakeBroker, fault: Fault
) -> None:
    drive(broker, 0, 1, 2, 3)
    beat(broker)
    broker.fail_next(fault)
    async with working(settings, broker) as task:
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 3, task)
    records = broker.records(STUDY)
    assert len(records) > 3
    assert len({header(record, "ce_id") for record in records}) == 3


async def test_a_version_that_takes_over_decides_from_the_next_batch_on(
    settings: Settings, broker: FakeBroker
) -> None:
    second = version(2, NOW_MS - 1, SURVEY)
    drive(broker, 0, 1)
    beat(broker)
    async with working(settings, broker) as task:
        await until(lambda: len(broker.records(STUDY)) == 1, task)
        tell(broker, [second])
        await asyncio.sleep(5)
        drive(broker, 0, 2)
        # Its topics are not there yet: it waits, and the old version never goes on.
        await asyncio.sleep(30)
        assert broker.committed(WORKER_GROUP)[RAW, 0] == 1
        await make_topics(broker, settings, FIRST, second)
        await until(lambda: len(broker.records(SURVEYED)) == 1, task)
    assert len(broker.records(STUDY)) == 1
    assert header(broker.records(SURVEYED)[0], "policy_version").startswith(b"2-")


async def test_a_contract_that_ends_closes_its_stream_on_its_day_and_not_before(
    settings: Settings, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "purposes/study.yaml"
    until_a_week_on = FILES[page].replace("countries: [JP]}", "countries: [JP], until: 2026-11-29}")
    tell(broker, [version(2, NOW_MS - 1, {**FILES, page: until_a_week_on})])
    clock = Clock()
    monkeypatch.setattr(process, "judging_clock", lambda _: clock)
    beat(broker)
    async with working(settings, broker) as task:
        drive(broker, 0, 1)
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 1, task)
        clock.now_ms = parse_instant("2026-11-28T15:00:00Z") - 1
        drive(broker, 0, 2)
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 2, task)
        clock.now_ms += 1
        drive(broker, 0, 3)
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 3, task)
    assert len(broker.records(STUDY)) == 2
    last = decode_flow(broker.records(AUDIT_FLOW)[-1].value or b"").ledger["study"]
    assert (last.delivered, last.withheld) == (0, {"ended": 2})


async def test_two_workers_share_what_comes_and_double_nothing(
    settings: Settings, broker: FakeBroker
) -> None:
    beat(broker)
    async with working(settings, broker) as first, working(settings, broker, "worker-1") as second:
        for one in range(6):
            drive(broker, one % 2, one)
        await until(lambda: len(broker.records(STUDY)) == 6, first, second)
    found = {header(record, "ce_id") for record in broker.records(STUDY)}
    assert len(found) == len(broker.records(STUDY)) == 6


@pytest.mark.parametrize("topic", CONTROL_OF_WORKERS)
async def test_garbage_on_a_control_topic_makes_a_worker_wait_until_it_is_gone(
    settings: Settings, broker: FakeBroker, topic: str
) -> None:
    beat(broker)
    async with working(settings, broker) as task:
        await asyncio.sleep(2)
        for key in (b"small@9", b"k"):
            broker.put(topic, key, b"garbage")
        broker.feed(topic, 0, Outgoing(topic, 0, HEARTBEAT_KEY, b"garbage"))
        beat(broker)
        await asyncio.sleep(2)
        drive(broker, 0, 1)
        await asyncio.sleep(5)
        assert not task.done()
        # Whatever it was, it may have kept somebody's readings back.
        assert broker.committed(WORKER_GROUP) == {}
        for key in (b"small@9", b"k"):
            broker.put(topic, key, None)
        await until(lambda: len(broker.records(STUDY)) == 1, task)


async def test_a_worker_starts_beside_an_unreadable_version_once_it_is_gone(
    settings: Settings, broker: FakeBroker
) -> None:
    broker.put(CONTROL_POLICIES, b"small@9", b"garbage")
    starting = asyncio.create_task(PolicySource.to_start_from(settings, broker))
    await asyncio.sleep(60)
    assert not starting.done()
    broker.put(CONTROL_POLICIES, b"small@9", None)
    source = await starting
    assert source.line().plan.version == 1


async def test_a_link_that_ends_while_a_batch_is_in_hand_is_decided_anew(
    settings: Settings, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = BatchHandler.handle
    again: list[int] = []

    async def frozen(self: BatchHandler, partition: int, records: Sequence[Arrived]) -> Any:
        made = await handle(self, partition, records)
        if not again:
            # Stopped with the batch in hand; what was published meanwhile is read when it wakes.
            broker.put(CONTROL_LINKS, b"link", None)
            await asyncio.sleep(5)
        again.append(len(made))
        return made

    monkeypatch.setattr(BatchHandler, "handle", frozen)
    drive(broker, 0, 1)
    beat(broker)
    async with working(settings, broker) as task:
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 1, task)
    assert broker.records(STUDY) == []
    assert len(again) == 2


async def test_an_envelope_that_ends_each_worker_is_passed_over_and_told(
    settings: Settings,
    broker: FakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handle = BatchHandler.handle

    async def dying(self: BatchHandler, partition: int, records: Sequence[Arrived]) -> Any:
        if any(record.offset == 1 for record in records):
            raise MemoryError
        return await handle(self, partition, records)

    monkeypatch.setattr(BatchHandler, "handle", dying)
    counted = metrics.QUARANTINED.labels(RAW, "deadly")
    before, deaths = counted._value.get(), 0
    drive(broker, 0, 1, 2, 3)
    while broker.committed(WORKER_GROUP).get((RAW, 0)) != 3:
        beat(broker)
        try:
            async with working(settings, broker) as task:
                await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 3, task)
        except* MemoryError:
            deaths += 1
    assert counted._value.get() == before + 1
    assert deaths == 3 * ATTEMPTS_MAX
    assert len(broker.records(STUDY)) == 2
    (said,) = [record.getMessage() for record in caplog.records if "passed over" in record.message]
    assert f"{RAW}, partition 0, offset 1" in said
    assert DEVICE not in said


async def test_a_partition_that_was_added_makes_its_worker_wait(
    settings: Settings, broker: FakeBroker
) -> None:
    await raw_partitions(settings, broker)
    beat(broker)
    async with working(settings, broker) as task:
        drive(broker, 0, 1)
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 1, task)
        broker._cluster.topics[RAW].logs.append(PartitionLog())
        await broker.rebalance(WORKER_GROUP)
        await asyncio.sleep(1)
        drive(broker, 0, 2)
        drive(broker, 2, 3)
        await asyncio.sleep(30)
        assert broker.committed(WORKER_GROUP)[RAW, 0] == 1
        assert metrics.PAUSED.labels("raw topic has more partitions")._value.get() == 1


SEALED = Period(NOW_MS // 21_600_000, 21_600)


def sealed_in(settings: Settings, envelopes: Sequence[bytes]) -> list[bytes]:
    """As a front door sends them: the office made the key."""
    keyring = Keyring.open(settings.raw_keys_path, FileKek(settings.raw_kek_file))
    private = keyring.ensure([name_of(SEALED)])[name_of(SEALED)]
    keyring.close()
    seal = Seal(SealingKey(SEALED, public_key(private)), 0, secrets.token_bytes, b"")
    return [seal.seal(one) for one in envelopes]


def speeds(start: int, count: int = 6) -> list[bytes]:
    """Envelopes of one reading each, a second apart."""
    return [
        envelope({SPEED: column("km/h", [40.0])}, NOW_MS - 120_000 + at * 1_000, id=f"{at:026d}")
        for at in range(start, start + count)
    ]


async def test_a_worker_goes_on_behind_records_whose_key_is_destroyed(
    settings: Settings, broker: FakeBroker
) -> None:
    """It never opens them again; what it cannot rebuild of them is withheld, and counted so."""
    settings = settings.model_copy(update={"raw_allow_unsealed": False})
    values = await asyncio.to_thread(sealed_in, settings, speeds(0, 3))
    for value in values[:2]:
        broker.feed(RAW, 0, Outgoing(RAW, 0, b"k", value))
    beat(broker)
    async with working(settings, broker, "worker-0") as task:
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 2, task)
    broker.forget_member(WORKER_GROUP, "worker-0")

    keyring = await asyncio.to_thread(
        Keyring.open, settings.raw_keys_path, FileKek(settings.raw_kek_file)
    )
    await asyncio.to_thread(keyring.destroy, [name_of(SEALED)])
    broker.feed(RAW, 0, Outgoing(RAW, 0, b"k", values[2]), Outgoing(RAW, 0, b"k", speeds(3)[0]))
    beat(broker)
    settings = settings.model_copy(update={"raw_allow_unsealed": True})
    async with working(settings, broker, "worker-1") as task:
        await until(lambda: broker.committed(WORKER_GROUP).get((RAW, 0)) == 4, task)
    flows = [decode_flow(record.value or b"") for record in broker.records(AUDIT_FLOW)]
    assert dict(sum((Counter(flow.rejected) for flow in flows), Counter())) == {"key_destroyed": 1}
    last = flows[-1].ledger["study"]
    assert (last.delivered, last.withheld) == (0, {"not_rebuilt": 1})


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_minute_is_thinned_alike_over_restarts_and_a_new_version(
    settings: Settings, broker: FakeBroker, *, sealed: bool
) -> None:
    """The policy thins to one in ten seconds; each envelope has one reading, each worker six."""
    settings = settings.model_copy(update={"raw_allow_unsealed": not sealed})
    second = version(2, NOW_MS - 1, SURVEY)
    for start in range(0, 60, 6):
        beat(broker)
        async with working(settings, broker, f"worker-{start % 4}") as task:
            if start == 30:
                await make_topics(broker, settings, FIRST, second)
                tell(broker, [second])
                await asyncio.sleep(5)
            values = speeds(start)
            if sealed:
                values = await asyncio.to_thread(sealed_in, settings, values)
            for at, value in enumerate(values, start):
                broker.feed(RAW, 0, Outgoing(RAW, 0, b"k%d" % at, value))
            done = start + 6
            await until(lambda d=done: broker.committed(WORKER_GROUP).get((RAW, 0)) == d, task)  # type: ignore[misc]
        broker.forget_member(WORKER_GROUP, f"worker-{start % 4}")
    flows = [decode_flow(record.value or b"").ledger for record in broker.records(AUDIT_FLOW)]
    told = [row for flow in flows for row in flow.values()]
    assert sum(row.delivered for row in told) == 6
    assert sum(row.withheld.get("thinned", 0) for row in told) == 54
