"""Commands of erasure from their topic to rows that are gone and answers, on a broker in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event as Gate

import pytest

from bus.failures import RowFault
from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from bus.topics import TopicSpec
from roadfade import metrics
from roadfade.clock import wall_ms
from roadfade.processes.sink.carrying_out import CarryingOut
from roadfade.settings import Settings
from roadfade.stores import store_of
from sinks.lake.lake import Lake
from sinks.lake.stored import StoredLake
from sinks.lake.workplace import ERASING, Workplace
from sinks.port.results import Receipt
from sinks.port.selection import Selection
from sinks.port.sink import StoreFullError
from telemetry.instants import DAY_MS
from telemetry.topics import AUDIT_ERASURES, HEARTBEAT_KEY, erase_topic
from telemetry.wire.control import Heartbeat, encode_row
from telemetry.wire.erasure import (
    EraseAnswer,
    EraseCommand,
    encode_command,
    take_answer,
)
from telemetry.wire.store_hello import take_hello
from telemetry.wire.topic_contents import RunningContents
from tests.integration.bus_road import until
from tests.roadfade.processes.sink.test_sink import (
    committed,
    feed,
    keeping,
    paused,
    records_of,
    rows,
)
from tests.roadfade.processes.sink.test_sink import compiled as compiled_plan
from tests.sinks.erasing import command as sinks_command
from tests.sinks.lakes import lake_at
from tests.sinks.records import OUTPUT_A, record
from tests.support.fast_time import fast_time
from tests.support.small_house import FIRST, NOW_MS, make_topics, settings_in, tell

TOPIC = erase_topic("study")
INCOMPLETE, STALE, CROWDED = (f"{why} {TOPIC}" for why in ("incomplete", "stale", "crowded"))


class Office:
    """Publishes commands as the office does: with heartbeats that tell of them."""

    def __init__(self, broker: FakeBroker, topic: str = TOPIC) -> None:
        self._broker = broker
        self._topic = topic
        self._contents = RunningContents()

    def ask(self, command: EraseCommand) -> None:
        """Publish a command, and vouch for it."""
        self.put(command.command.encode(), encode_command(command))
        self.beat()

    def put(self, key: bytes, value: bytes | None) -> None:
        """Publish a row; None withdraws it."""
        self._contents.take(key, value)
        self._broker.put(self._topic, key, value)

    def beat(self, at_ms: int | None = None) -> None:
        """Tell of what is published."""
        said = Heartbeat(wall_ms() if at_ms is None else at_ms, 0, self._contents.contents)
        self._broker.put(self._topic, HEARTBEAT_KEY, encode_row(said))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def few(tmp_path: Path) -> Settings:
    """A sink that may hold two commands of an output."""
    return settings_in(tmp_path, erase_commands_max=2)


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    metrics.PAUSED.clear()  # other tests of this process pause as well
    with fast_time():
        yield made


@pytest.fixture
def office(broker: FakeBroker) -> Office:
    return Office(broker)


@pytest.fixture
def study(settings: Settings) -> list[Outgoing]:
    """Three records of one person, two speeds each."""
    return records_of(compiled_plan(settings, FIRST))


def command(
    records: Sequence[Outgoing], id_: str = "command-1", until_ms: int = NOW_MS + DAY_MS
) -> EraseCommand:
    """For all rows of the person whose records these are."""
    who = (records[0].key or b"").decode()
    return sinks_command(who, id_=id_, output="study", until_ms=until_ms)


def answers(broker: FakeBroker) -> list[EraseAnswer]:
    """Every answer that was ever written, oldest first."""
    said = [one for one in broker.records(AUDIT_ERASURES) if take_hello(one.value) is None]
    found = [take_answer(one.value) for one in said]
    assert None not in found
    return [one for one in found if one is not None]


def refused() -> float:
    return float(metrics.SINK_REFUSED.labels("study")._value.get())


def waiting() -> float:
    return float(metrics.ERASURES_WAITING.labels("study")._value.get())


@asynccontextmanager
async def kept(
    settings: Settings, broker: FakeBroker, records: Sequence[Outgoing]
) -> AsyncIterator[asyncio.Task[None]]:
    """A sink that runs, and has kept these."""
    before = committed(broker)
    feed(broker, records)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == before + len(records), task)
        yield task


async def test_rows_that_a_command_names_are_removed_and_answered(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study) as task:
        office.ask(command(study))
        await until(lambda: bool(answers(broker)), task)
        assert await rows(settings) == 0
        await asyncio.sleep(200)
        (answer,) = answers(broker)
        assert waiting() == 0
    assert answer.done
    assert (answer.located_before, answer.output, answer.at_ms) == (6, "study", NOW_MS)
    assert answer.store == await asyncio.to_thread(store_of(settings).name)
    assert broker.records(AUDIT_ERASURES)[1].key == f"command-1@{answer.store}".encode()


async def test_what_comes_after_a_command_is_refused(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    before = refused()
    async with kept(settings, broker, study[:1]) as task:
        office.ask(command(study))
        await until(lambda: bool(answers(broker)), task)
        feed(broker, study[1:])
        await until(lambda: committed(broker) == 3, task)
        assert await rows(settings) == 0
    assert refused() - before == 4


async def test_what_is_in_hand_as_a_command_comes_does_not_survive(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written, go_on = asyncio.Event(), Gate()
    loop, carry_out = asyncio.get_running_loop(), Lake._admitted

    def admitted(lake: Lake, *given: object) -> object:
        found = carry_out(lake, *given)  # type: ignore[arg-type]
        loop.call_soon_threadsafe(written.set)
        assert go_on.wait(30)
        return found

    async with keeping(settings, broker) as task:
        await until(lambda: paused() == set(), task)
        monkeypatch.setattr(Lake, "_admitted", admitted)
        feed(broker, study)
        await written.wait()
        office.ask(command(study))
        for _ in range(200):
            await asyncio.sleep(0.01)
        assert answers(broker) == [], "nothing is searched while it is on its way"
        go_on.set()
        await until(lambda: bool(answers(broker)), task)
        assert await rows(settings) == 0
    assert [(one.located_before, one.done) for one in answers(broker)] == [(6, True)]


async def test_killed_before_the_answer_it_is_given_after_the_restart(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    erased = asyncio.Event()

    async def killed(one: CarryingOut, *given: object) -> None:
        erased.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(CarryingOut, "_answer", killed)
        async with kept(settings, broker, study):
            office.ask(command(study))
            await erased.wait()
    assert (await rows(settings), answers(broker)) == (0, [])
    for _ in range(2):
        async with keeping(settings, broker) as task:
            before = len(answers(broker))
            await until(lambda before=before: len(answers(broker)) > before, task)  # type: ignore[misc]
    assert len({one.key for one in answers(broker)}) == 1
    assert [(one.located_before, one.done) for one in answers(broker)] == [(0, True)] * 2


async def test_while_the_topic_is_not_there_nothing_is_written(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        async with broker.admin() as admin:
            await admin.delete([TOPIC])  # before the sink has begun
        await until(lambda: paused() == {INCOMPLETE}, task)
        await asyncio.sleep(60)
        assert committed(broker) == 0
        async with broker.admin() as admin:
            await admin.create([TopicSpec(TOPIC, 1, {"cleanup.policy": "compact"})])
        office.beat()
        await until(lambda: committed(broker) == 3, task)
        assert paused() == set()
    assert await rows(settings) == 6


@pytest.mark.parametrize(("age_ms", "reason"), [(0, INCOMPLETE), (31_000, STALE)])
async def test_while_a_view_lacks_rows_or_is_old_nothing_is_written(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    age_ms: int,
    reason: str,
) -> None:
    if reason is INCOMPLETE:
        office.put(b"command-2", encode_command(command(study, "command-2")))
        broker.put(TOPIC, b"command-2", None)  # anybody might have withdrawn it
    office.beat(wall_ms() - age_ms)
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: paused() == {reason}, task)
        await asyncio.sleep(60)
        assert committed(broker) == 0
        office.put(b"command-2", None)
        office.beat()
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 6


async def test_no_row_is_removed_for_whom_the_office_does_not_vouch(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study) as task:
        broker.put(TOPIC, b"command-1", encode_command(command(study)))
        await asyncio.sleep(60)
        assert (await rows(settings), answers(broker), waiting()) == (6, [], 1)
        office.beat()
        await until(lambda: paused() == {INCOMPLETE}, task)
        assert await rows(settings) == 6


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        (b"command-2", b"{", RowFault.UNDECODABLE),
        (b"command-2", b"of another key", RowFault.FOREIGN),
        (b"command-2", b"of another output", RowFault.UNDECODABLE),
    ],
)
async def test_a_row_that_is_no_command_is_set_aside_and_the_sink_goes_on(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    key: bytes,
    value: bytes,
    fault: RowFault,
) -> None:
    if value == b"of another key":
        value = encode_command(command(study))
    elif value == b"of another output":
        value = encode_command(command(study, "command-2")).replace(b'"study"', b'"other"')
    counted = metrics.QUARANTINED.labels(TOPIC, str(fault))._value
    before = counted.get()
    async with kept(settings, broker, study[:1]) as task:
        broker.put(TOPIC, key, value)
        office.beat()
        feed(broker, study[1:])
        await until(lambda: committed(broker) == 3, task)
        assert counted.get() == before + 1
    assert (await rows(settings), answers(broker)) == (6, [])


async def test_what_comes_under_a_commands_key_and_is_none_ends_no_refusal(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study[:1]) as task:
        office.ask(command(study))
        await until(lambda: bool(answers(broker)), task)
        office.put(b"command-1", b"{")
        office.put(b"command-1", None)
        office.put(b"command-1", encode_command(command(study)))
        office.beat()
        feed(broker, study[1:])
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 0


async def test_what_ended_or_was_withdrawn_is_refused_no_longer(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    office.ask(command(study, "command-1"))
    office.ask(command(study, "command-2", until_ms=NOW_MS))
    before = refused()
    async with kept(settings, broker, study[:1]) as task:
        assert refused() - before == 2
        office.put(b"command-1", None)
        office.beat()
        await asyncio.sleep(10)
        feed(broker, study[1:])
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 4


async def test_a_sink_that_was_away_until_a_command_had_ended_carries_it_out(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study[:2]):
        pass
    office.ask(command(study, until_ms=NOW_MS))
    async with keeping(settings, broker) as task:
        await until(lambda: bool(answers(broker)), task)
        assert await rows(settings) == 0
        feed(broker, study[2:])
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 2, "what comes later is refused no more"


async def test_while_another_has_the_store_it_waits_its_turn(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sinks.lake.deletion.erase.MERGE_S_MAX", 0)
    async with kept(settings, broker, study[:2]) as task:
        another = await asyncio.to_thread(Workplace, settings.lake_dir, ERASING)
        office.ask(command(study))
        await asyncio.sleep(60)
        assert (answers(broker), waiting()) == ([], 1)
        feed(broker, study[2:])
        await until(lambda: committed(broker) == 3, task)
        await asyncio.to_thread(another.close)
        await until(lambda: bool(answers(broker)), task)
        assert await rows(settings) == 0


@pytest.mark.parametrize("raised", [True, False])
async def test_without_room_it_is_answered_later_and_said_once(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    raised: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    full, said, erase = True, "no room", StoredLake.erase

    def erased(store: StoredLake, output: str, selection: Selection, now_ms: int) -> Receipt:
        if full and raised:
            raise StoreFullError(said)
        if full:
            return Receipt("lake", 6, 6, "0" * 64, now_ms, 0, full=True)
        return erase(store, output, selection, now_ms)

    monkeypatch.setattr(StoredLake, "erase", erased)
    async with kept(settings, broker, study[:2]) as task:
        office.ask(command(study))
        await asyncio.sleep(60)
        assert (answers(broker), waiting()) == ([], 1)
        assert sum("command of erasure waits" in one for one in caplog.messages) == 1
        feed(broker, study[2:])
        await until(lambda: committed(broker) == 3, task)
        full = False
        await until(lambda: bool(answers(broker)), task)
        assert (await rows(settings), answers(broker)[0].done) == (0, True)


async def test_what_cannot_be_read_is_answered_as_it_is_and_tried_again(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study) as task:
        part = next(settings.lake_dir.rglob("part-*.parquet"))
        damaged = part.with_name("part-9-9.parquet")
        damaged.write_bytes(b"no footer")
        office.ask(command(study))
        await asyncio.sleep(300)
        found = [(one.located_after, one.unreadable) for one in answers(broker)]
        assert (found, waiting()) == ([(0, 1)], 1)
        damaged.unlink()
        await until(lambda: len(answers(broker)) == 2, task)
        await until(lambda: waiting() == 0, task)
    assert [(one.located_before, one.done) for one in answers(broker)] == [(6, False), (6, True)]


async def test_with_more_commands_than_it_may_hold_it_waits_and_then_knows_all(
    few: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    before = refused()
    for id_ in ("other-01", "other-02"):
        others = encode_command(sinks_command("P", id_=id_, output="study"))
        office.put(id_.encode(), others)
    office.ask(command(study))
    feed(broker, study)
    async with keeping(few, broker) as task:
        await until(lambda: paused() == {CROWDED}, task)
        await asyncio.sleep(60)
        assert committed(broker) == 0
        office.put(b"other-01", None)
        office.beat()
        await until(lambda: committed(broker) == 3, task)
    assert refused() - before == 6, "the third command is known by then"


def keep_before(settings: Settings) -> None:
    with lake_at(settings.lake_dir) as lake:
        lake.write([record(0)], NOW_MS)


async def test_rows_of_an_output_that_is_written_no_more_are_removed(
    settings: Settings, broker: FakeBroker
) -> None:
    await asyncio.to_thread(keep_before, settings)
    topic = erase_topic(OUTPUT_A)
    async with keeping(settings, broker) as task:
        await until(lambda: paused() == set(), task)
        async with broker.admin() as admin:
            await admin.create([TopicSpec(topic, 1, {"cleanup.policy": "compact"})])
        asked = sinks_command("PSEUDONYM")
        Office(broker, topic).ask(asked)
        await until(lambda: bool(answers(broker)), task)
    (answer,) = answers(broker)
    assert (answer.output, answer.located_before, answer.done) == (OUTPUT_A, 2, True)


async def test_what_anybody_withdraws_is_refused_until_the_office_agrees(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named, refuse = list[list[str]](), Lake.refuse

    def refusing(lake: Lake, commands: Sequence[EraseCommand]) -> None:
        named.append([one.command for one in commands])
        refuse(lake, commands)

    monkeypatch.setattr(Lake, "refuse", refusing)
    async with kept(settings, broker, study[:1]) as task:
        office.ask(command(study))
        await until(lambda: bool(answers(broker)), task)
        broker.put(TOPIC, b"command-1", None)
        await until(lambda: paused() == {INCOMPLETE}, task)
        await asyncio.sleep(60)
        assert named[-1] == ["command-1"], "what is fetched already is written without it else"
        office.put(b"command-1", None)
        office.beat()
        await until(lambda: named[-1] == [], task)
