"""The office carries requests out while it runs, and nothing there ends its heartbeats."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bus.memory.broker import SETTINGS, FakeBroker
from office.erasure.answers import known_stores, listed_stores
from office.erasure.consent_moves import ERASED
from office.erasure.receipt_chain import file_of, read
from office.erasure.receipts import all_receipts
from office.erasure.saga import State
from office.errors import OfficeError
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.registry.erasure_requests import NewErasure, ask
from office.registry.registry import Registry
from office.replay_memory.memory import ReplayMemory
from office.store.database import Database
from policy.plan.bounds import PASS_MS
from policy.plan.consents import Grantable
from policy.plan.epochs import epoch_at
from roadfade import metrics
from roadfade.processes.office import erasures, process
from roadfade.processes.office.erasures import Erasures, control_ms
from roadfade.processes.office.process import serve, topics_of
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.topics import AUDIT_ERASURES, CONTROL_CONSENTS, HEARTBEAT_KEY, erase_topic
from telemetry.wire.erasure import EraseAnswer, EraseCommand, encode_answer, take_command
from telemetry.wire.store_hello import StoreHello, encode_hello
from tests.integration.bus_road import until
from tests.office.erasure.test_consent_moves import evidencing
from tests.support.small_house import NOW_MS, Clock

ANA = SubjectId("ana-the-subject")
BEN = SubjectId("ben-the-subject")
OUTPUT = "study"
STORE = "lake:0123456789abcdef"


@pytest.fixture
async def asked(settings: Settings, database: Database) -> str:
    """A person whose last week is to be erased."""
    await Registry(database).register(DeviceId("dongle-1"), ANA, NOW_MS - 10**9)
    async with database.writing() as connection:
        new = NewErasure("erase", ANA, "asked", NOW_MS - 10**6)
        return (await ask(connection, new, NOW_MS)).erasure


def a_keyring(settings: Settings, name: tuple[str, str, str]) -> Keyring:
    made = Keyring.open(settings.keyring_path, FileKek(settings.kek_file))
    made.ensure([name])
    return made


@pytest.fixture
async def keyring(settings: Settings, broker: FakeBroker, database: Database) -> Keyring:
    """A keyring in which a worker made the key that stamps readings of now."""
    keeper = await topics_of(settings, broker, database)
    (output,) = keeper.plan.outputs
    name = output.purpose, output.recipient, epoch_at(output.epoch, NOW_MS).name
    return await asyncio.to_thread(a_keyring, settings, name)


@asynccontextmanager
async def office(
    settings: Settings, broker: FakeBroker, database: Database
) -> AsyncIterator[asyncio.Task[None]]:
    keeper = await topics_of(settings, broker, database)
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(settings, broker, database, keeper, stopping))
    yield task
    stopping.set()
    await task


def commands(broker: FakeBroker) -> list[EraseCommand]:
    rows = [r.value for r in broker.records(erase_topic(OUTPUT)) if r.key != HEARTBEAT_KEY]
    return [one for one in (take_command(value, OUTPUT) for value in rows) if one is not None]


def answer(command: EraseCommand, **more: Any) -> bytes:
    facts = {
        "command": command.command, "output": OUTPUT, "store": STORE, "located_before": 3,
        "located_after": 0, "unreadable": 0, "digest": "d" * 64, "at_ms": NOW_MS, **more,
    }  # fmt: skip
    return encode_answer(EraseAnswer(v=1, **facts))


def beats(broker: FakeBroker) -> int:
    return sum(r.key == HEARTBEAT_KEY for r in broker.records(CONTROL_CONSENTS))


async def whats(database: Database) -> list[str]:
    told, _ = read(file_of(await all_receipts(database)))
    return [one.entry.what for one in told]


def counted(state: State) -> float:
    return float(metrics.ERASURES_OPEN.labels(str(state))._value.get())


def stores_in(memory: Path) -> set[tuple[str, str]]:
    with ReplayMemory(memory).known() as known:
        return set(known.stores())


def failures(step: str) -> float:
    return float(metrics.ERASURE_FAILURES.labels(step)._value.get())


@pytest.mark.usefixtures("keyring")
async def test_a_request_is_commanded_answered_and_receipted(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    asked: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(process, "wall_ms", clock)
    async with office(settings, broker, database) as task:
        await until(lambda: bool(commands(broker)), task)
        (command,) = commands(broker)
        assert command.to_ms == NOW_MS
        await until(lambda: counted(State.COMMANDED) == 1, task)
        broker.feed(AUDIT_ERASURES, 0, b"no answer", answer(command))
        clock.now_ms += settings.view_age_s_max * 1000 + 60_000
        await until(lambda: counted(State.ERASED) == 1, task)
    assert await whats(database) == ["asked", "denied", "erased"]
    told, _ = read(file_of(await all_receipts(database)))
    assert {one.entry.erasure for one in told} == {asked}


async def test_a_store_is_known_once_it_said_hello_and_what_is_no_message_is_counted(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    ahead_ms = NOW_MS + 10**12
    hello = StoreHello(v=1, kind="hello", store=STORE, outputs=[OUTPUT, "other"], at_ms=ahead_ms)
    refused = metrics.QUARANTINED.labels(AUDIT_ERASURES, "undecodable")
    before = refused._value.get()

    async def known() -> dict[str, frozenset[str]]:
        async with database.reading() as connection:
            return await known_stores(connection)

    async with office(settings, broker, database):
        newer = encode_hello(hello).replace(b'"v":1', b'"v":2')
        broker.feed(AUDIT_ERASURES, 0, newer, encode_hello(hello))
        async with asyncio.timeout(60):
            while not await known():  # noqa: ASYNC110  # the office tells nobody that it has read it
                await asyncio.sleep(0.1)
    assert await known() == {OUTPUT: frozenset({STORE}), "other": frozenset({STORE})}
    async with database.reading() as connection:
        said_ms = {one.since_ms for one in await listed_stores(connection)}
    assert said_ms == {broker.records(AUDIT_ERASURES)[-1].timestamp}, "not by the store's clock"
    # The memory outlives the office's database.
    remembered = await asyncio.to_thread(stores_in, settings.suppressions_path)
    assert remembered == {(STORE, OUTPUT), (STORE, "other")}
    assert refused._value.get() - before == 1


@pytest.mark.usefixtures("keyring", "asked")
async def test_a_heartbeat_follows_a_command_at_once(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    rare = settings.model_copy(update={"heartbeat_every_s": 20.0})
    async with office(rare, broker, database) as task:
        await until(lambda: bool(commands(broker)), task)
        since_s = asyncio.get_running_loop().time()

        def vouched_for() -> bool:
            return broker.records(erase_topic(OUTPUT))[-1].key == HEARTBEAT_KEY

        await until(vouched_for, task)
        # Stores carry a command out once a heartbeat has told of it.
        assert asyncio.get_running_loop().time() - since_s < 1
        beaten = beats(broker)
        await asyncio.sleep(15)
        assert beats(broker) == beaten, "one is enough"


@pytest.mark.usefixtures("asked")
async def test_without_a_keyring_it_waits_and_says_so_and_heartbeats_go_on(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = failures("requests")
    async with office(settings, broker, database) as task:
        await until(lambda: failures("requests") >= failed + 3 and beats(broker) > 4, task)
    said = [one.getMessage() for one in caplog.records if "keyring" in one.getMessage()]
    assert len(said) == 1
    assert not settings.keyring_path.exists()
    assert commands(broker) == []


@pytest.mark.usefixtures("asked", "keyring")
async def test_nothing_is_queued_for_a_topic_that_is_not_there(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row for a topic that is not there would hold up every withdrawal behind it."""
    clock, there = Clock(), set[str]()
    monkeypatch.setattr(process, "wall_ms", clock)
    monkeypatch.setattr(erasures, "commanded_output", lambda _: next(iter(there), None))

    def said() -> bool:
        return any("no topic of commands: study" in one.getMessage() for one in caplog.records)

    async with office(settings, broker, database) as task:
        await until(lambda: counted(State.COMMANDED) == 1, task)
        clock.now_ms += settings.view_age_s_max * 1000
        await until(said, task)
        assert commands(broker) == []
        there.add(OUTPUT)
        clock.now_ms += 60_000
        await until(lambda: bool(commands(broker)), task)


@pytest.mark.usefixtures("keyring")
async def test_a_failure_of_any_kind_ends_no_heartbeat(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    asked: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(ANA)

    monkeypatch.setattr(erasures, "figures", fail)
    failed = failures("requests")
    async with office(settings, broker, database) as task:
        await until(lambda: failures("requests") >= failed + 3 and beats(broker) > 4, task)
    said = [one.getMessage() for one in caplog.records]
    assert sum("RuntimeError" in line for line in said) == 1
    assert not any(ANA in line or asked in line for line in said)


@pytest.mark.usefixtures("asked", "keyring")
async def test_answers_are_read_again_from_a_topic_that_was_made_anew(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(process, "wall_ms", clock)
    async with office(settings, broker, database) as task:
        await until(lambda: bool(commands(broker)), task)
        (command,) = commands(broker)
        broker.feed(AUDIT_ERASURES, 0, answer(command, located_after=1))
        broker.remake(AUDIT_ERASURES)
        broker.feed(AUDIT_ERASURES, 0, answer(command, at_ms=NOW_MS + 1))
        await until(lambda: counted(State.COMMANDED) == 1, task)
        clock.now_ms += settings.view_age_s_max * 1000 + 60_000
        await until(lambda: counted(State.ERASED) == 1, task)


@pytest.mark.usefixtures("keyring")
async def test_what_a_person_agreed_to_goes_to_the_officers_file_that_the_settings_name(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    asks = Grantable("study", "location", None, "study@1")
    registry = Registry(database, {asks: {}})
    await registry.register(DeviceId("dongle-1"), ANA, NOW_MS - 10**9)
    await registry.grant(ANA, *asks, NOW_MS - 10**9)
    full = settings.model_copy(update={"consent_evidence_rows_max": 1})
    keeper = await topics_of(full, broker, database)
    moves = (await Erasures(full, broker, database, keeper, Clock())._opened())._moves
    assert moves is not None
    await moves.prepare_person(ANA, b"n" * 32, [evidencing(5, ERASED)], NOW_MS)
    assert await moves.count() == 1
    assert await asyncio.to_thread(full.consent_evidence_path.is_file)
    await registry.register(DeviceId("dongle-2"), BEN, NOW_MS - 10**9)
    await registry.grant(BEN, *asks, NOW_MS - 10**9)
    with pytest.raises(OfficeError, match="raise consent_evidence_rows_max"):
        await moves.prepare_person(BEN, b"n" * 32, [evidencing(5, ERASED)], NOW_MS)


def test_a_deleted_row_may_lie_there_as_long_as_compaction_takes() -> None:
    assert control_ms(SETTINGS) == 2 * 60_000 + 1_000 + PASS_MS + 1_000
