"""Legal holds from their topic to sealed copies and answers, beside erasures, in memory."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bus.memory.broker import FakeBroker
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade import metrics
from roadfade.processes.sink.hold_rows import HoldRows
from roadfade.processes.sink.holding import Holding
from roadfade.settings import Settings
from roadfade.stores import query, store_of
from sinks.holds.copied import Copied
from sinks.holds.folder import Held, HoldFolder
from sinks.lake.stored import StoredLake
from sinks.port.results import Receipt
from sinks.port.sink import Store
from sinks.query.gate import QueryRefusedError
from telemetry.arrived import Arrived
from telemetry.held_copy import HeldCopy, unframed
from telemetry.identity import Pseudonym
from telemetry.topics import AUDIT_ERASURES
from telemetry.wire.erasure import EraseCommand, encode_command, take_answer
from telemetry.wire.hold import (
    HOLD_VERSION,
    HoldAnswer,
    HoldCommand,
    encode_hold,
    hold_key,
    take_hold_answer,
)
from tests.integration.bus_road import until
from tests.roadfade.processes.sink.test_erasing import Office, command, kept
from tests.roadfade.processes.sink.test_sink import (
    committed,
    feed,
    keeping,
    records_of,
    rows,
)
from tests.roadfade.processes.sink.test_sink import compiled as compiled_plan
from tests.sinks.erasing import command as erase_command
from tests.sinks.holding import files_in, held_rows
from tests.sinks.holding import hold as sinks_hold
from tests.sinks.test_copied import seal
from tests.support.fast_time import fast_time
from tests.support.small_house import FIRST, NOW_MS, Clock, make_topics, settings_in, tell

HOLD = "hold-command-1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def few(tmp_path: Path) -> Settings:
    """A sink that may copy four rows for a hold."""
    return settings_in(tmp_path, hold_rows_max=4)


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


def hold(records: Sequence[Outgoing], id_: str = HOLD) -> HoldCommand:
    return sinks_hold((records[0].key or b"").decode(), id_=id_, output="study")


def place(office: Office, one: HoldCommand, *, beat: bool = True) -> None:
    office.put(hold_key(one.command).encode(), encode_hold(one))
    if beat:
        office.beat()


def release(office: Office, one: HoldCommand) -> None:
    released = HoldCommand(
        v=HOLD_VERSION,
        command=one.command,
        output=one.output,
        placed_ms=one.placed_ms,
        released_ms=NOW_MS,
    )
    place(office, released)


def answers(broker: FakeBroker) -> list[HoldAnswer]:
    found = [take_hold_answer(one.value) for one in broker.records(AUDIT_ERASURES)]
    return [one for one in found if one is not None]


def erased(broker: FakeBroker) -> bool:
    found = [take_answer(one.value) for one in broker.records(AUDIT_ERASURES)]
    return any(one is not None and one.done for one in found)


def waiting() -> float:
    return float(metrics.HOLDS_WAITING.labels("study")._value.get())


def full(*_: object) -> Held:
    raise OSError(28, "No space left on device")


async def test_what_is_there_is_copied_and_answered_and_stays(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study) as task:
        place(office, hold(study))
        await until(lambda: bool(answers(broker)), task)
        assert await rows(settings) == 6
        await until(lambda: waiting() == 0, task)
    (answer,) = answers(broker)
    assert (answer.rows, answer.complete, answer.unreadable, answer.released) == (6, True, 0, False)
    assert (answer.output, answer.at_ms) == ("study", NOW_MS)
    assert answer.store == await asyncio.to_thread(store_of(settings).name)
    assert broker.records(AUDIT_ERASURES)[1].key == f"hold:{HOLD}@{answer.store}".encode()
    assert len(held_rows(settings.hold_dir)) == 6


async def test_what_comes_later_is_copied_within_a_minute(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study[:1]) as task:
        place(office, hold(study))
        await until(lambda: bool(answers(broker)), task)
        feed(broker, study[1:])
        await until(lambda: committed(broker) == 3, task)
        await until(lambda: len(held_rows(settings.hold_dir)) == 6, task)
        await until(lambda: waiting() == 0, task)


async def test_what_an_erasure_takes_is_copied_before(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As if a minute were not over yet when the erasure comes.
    monkeypatch.setattr("roadfade.processes.sink.holding.NEW_AGAIN_MS", 10**12)
    async with kept(settings, broker, study[:1]) as task:
        place(office, hold(study))
        await until(lambda: bool(answers(broker)), task)
        feed(broker, study[1:])
        await until(lambda: committed(broker) == 3, task)
        assert len(held_rows(settings.hold_dir)) == 2
        office.ask(command(study))
        await until(lambda: erased(broker), task)
        assert await rows(settings) == 0
    assert len(held_rows(settings.hold_dir)) == 6
    # Use is not reopened: what is held is in no answer, and in no file that may be asked for.
    for function in ("read_blob", "read_text"):
        statement = f"SELECT * FROM {function}('{settings.hold_dir}/*/*')"  # noqa: S608  # a path of ours
        with pytest.raises(QueryRefusedError, match="no files"):
            await asyncio.to_thread(query, settings, "study", statement, NOW_MS)


async def test_placed_and_erased_at_once_nothing_in_scope_is_lost(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study) as task:
        place(office, hold(study), beat=False)
        office.ask(command(study))
        await until(lambda: erased(broker), task)
        assert await rows(settings) == 0
    assert len(held_rows(settings.hold_dir)) == 6


async def test_an_erasure_waits_until_its_rows_are_copied(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = HoldFolder.copy
    monkeypatch.setattr(HoldFolder, "copy", full)
    async with kept(settings, broker, study) as task:
        place(office, hold(study), beat=False)
        office.ask(command(study))
        await until(lambda: waiting() == 1, task)
        await asyncio.sleep(300)
        assert (await rows(settings), erased(broker)) == (6, False)
        monkeypatch.setattr(HoldFolder, "copy", copy)
        await until(lambda: erased(broker), task)
        assert await rows(settings) == 0
    assert len(held_rows(settings.hold_dir)) == 6


async def test_an_erasure_that_waits_does_not_pass_a_hold_that_has_just_grown(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = hold(study)
    grown = sinks_hold(*one.pseudonyms, "SOMEBODY ELSE", id_=HOLD, output="study")
    copy = HoldFolder.copy
    monkeypatch.setattr(HoldFolder, "copy", full)
    async with kept(settings, broker, study) as task:
        place(office, one, beat=False)
        office.ask(command(study))
        await until(lambda: waiting() == 1, task)
        place(office, grown, beat=False)
        await asyncio.sleep(60)
        assert (await rows(settings), erased(broker)) == (6, False)
        monkeypatch.setattr(HoldFolder, "copy", copy)
        await asyncio.sleep(60)
        assert (await rows(settings), erased(broker)) == (6, False)
        office.beat()
        await until(lambda: erased(broker), task)
    assert len(held_rows(settings.hold_dir)) == 6


async def test_expiry_waits_for_no_copy(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HoldFolder, "copy", full)
    async with kept(settings, broker, study) as task:
        place(office, hold(study))
        await until(lambda: waiting() == 1, task)
        swept = await asyncio.to_thread(store_of(settings).expire, NOW_MS * 2)
    assert (swept.rows, swept.left) == (6, ())


async def test_a_hold_of_somebody_else_holds_up_nothing(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HoldFolder, "copy", full)
    async with kept(settings, broker, study) as task:
        place(office, sinks_hold("SOMEBODY ELSE", output="study"), beat=False)
        office.ask(command(study))
        await until(lambda: erased(broker), task)
    assert files_in(settings.hold_dir) == []


async def test_a_hold_that_no_heartbeat_tells_of_copies_nothing(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study):
        office.beat()
        broker.put(office._topic, hold_key(HOLD).encode(), encode_hold(hold(study)))
        await asyncio.sleep(60)
    assert (answers(broker), files_in(settings.hold_dir)) == ([], [])


async def test_released_its_copies_are_deleted_and_others_stay(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    one, other = hold(study), hold(study, "hold-command-2")
    async with kept(settings, broker, study) as task:
        place(office, one)
        place(office, other)
        await until(lambda: len(answers(broker)) == 2, task)
        release(office, one)
        await until(lambda: answers(broker)[-1].released, task)
        office.put(hold_key(HOLD).encode(), None)
        office.beat()
        await until(lambda: waiting() == 0, task)
    assert answers(broker)[-1].command == HOLD
    assert [path.name for path in settings.hold_dir.iterdir()] == ["hold-command-2"]
    assert len(held_rows(settings.hold_dir, "hold-command-2")) == 6


async def test_a_topic_that_lost_its_rows_deletes_no_copy(
    settings: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(settings, broker, study) as task:
        place(office, hold(study))
        await until(lambda: bool(answers(broker)), task)
        office.put(hold_key(HOLD).encode(), None)
        office.beat()
        await asyncio.sleep(300)
    assert len(held_rows(settings.hold_dir)) == 6


async def test_killed_before_the_answer_it_is_given_after_the_restart_and_nothing_is_held_twice(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied = asyncio.Event()

    async def killed(_: Holding, *__: object) -> None:
        copied.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(Holding, "_answer", killed)
        async with kept(settings, broker, study):
            place(office, hold(study))
            await copied.wait()
    assert answers(broker) == []
    async with keeping(settings, broker) as task:
        await until(lambda: bool(answers(broker)), task)
    assert answers(broker)[-1].rows == len(held_rows(settings.hold_dir)) == 6


async def test_more_rows_than_the_limit_wait_and_are_told_of(
    few: Settings, broker: FakeBroker, office: Office, study: list[Outgoing]
) -> None:
    async with kept(few, broker, study) as task:
        place(office, hold(study), beat=False)
        office.ask(command(study))
        await until(lambda: bool(answers(broker)), task)
        await asyncio.sleep(60)
        assert (waiting(), erased(broker), await rows(few)) == (1, False, 6)
    assert (answers(broker)[0].rows, answers(broker)[0].complete) == (4, False)


async def test_an_erasure_of_what_came_beyond_the_limit_waits_too(
    few: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("roadfade.processes.sink.holding.NEW_AGAIN_MS", 10**12)
    async with kept(few, broker, study[:2]) as task:
        place(office, hold(study))
        await until(lambda: bool(answers(broker)), task)
        assert answers(broker)[0].complete
        feed(broker, study[2:])
        await until(lambda: committed(broker) == 3, task)
        office.ask(command(study))
        await asyncio.sleep(60)
        assert (erased(broker), await rows(few)) == (False, 6)


def test_a_hold_stays_as_it_was_vouched_for_until_a_heartbeat_tells_of_another() -> None:
    key = hold_key(HOLD).encode()
    one = sinks_hold("PSEUDONYM", id_=HOLD, output="study")
    grown = sinks_hold("PSEUDONYM", "OTHER", id_=HOLD, output="study")
    found = HoldRows("study")
    found.apply(key, encode_hold(one))
    assert (found.vouched, found.unvouched) == ([], [one])
    beat(found)
    assert (found.vouched, found.unvouched) == ([one], [])
    found.apply(key, encode_hold(grown))
    found.vouch()
    assert (found.vouched, found.unvouched) == ([one], [grown])
    beat(found)
    assert (found.vouched, found.unvouched) == ([grown], [])
    found.apply(key, None)
    found.vouch()
    assert (found.vouched, found.unvouched) == ([grown], [])
    beat(found)
    assert (found.vouched, found.unvouched) == ([], [])


async def test_no_erasure_passes_a_hold_that_no_heartbeat_told_of(
    tmp_path: Path, broker: FakeBroker
) -> None:
    settings = await asyncio.to_thread(settings_in, tmp_path)
    store = await asyncio.to_thread(store_of, settings)
    publisher = Publisher(broker, clock=Clock())
    holding = Holding(store, HoldFolder(tmp_path, 9), publisher, Clock())
    erase = erase_command("PSEUDONYM", output="study")
    one = sinks_hold("PSEUDONYM", output="study")
    other = sinks_hold("OTHER", output="study")
    assert await holding.copied_before(erase, [], [other])
    assert not await holding.copied_before(erase, [], [one])


class ManyHolds:
    """Holds of one person, with copies that are larger together than what is remembered."""

    def __init__(self, root: Path) -> None:
        self.holds = [sinks_hold("PSEUDONYM", id_=f"hold-{n}", output="study") for n in range(3)]
        for one in self.holds:
            for name in range(4):
                seal(root / one.command, name, range(40))
        copied = Copied(piece_bytes=1, remembered_bytes_max=5 * 40 * 16)
        self.elapsed_ms, self.now_ms = 0, NOW_MS
        self.copies = list[str]()
        store = cast("Store", SimpleNamespace(rows_of=lambda *_: iter(())))
        folder = HoldFolder(root, 1_000, copied=copied)
        publisher = cast("Publisher", None)
        copy = folder.copy

        def noted(
            store: Store,
            command: HoldCommand,
            now_ms: int,
            only: Collection[Pseudonym] | None = None,
        ) -> Held:
            self.copies.append(command.command)
            return copy(store, command, now_ms, only)

        folder.copy = noted  # type: ignore[method-assign]
        self.holding = Holding(
            store, folder, publisher, lambda: self.now_ms, lambda: self.elapsed_ms
        )

    async def turns(self, erase: EraseCommand) -> int:
        """How many an erasure waits for."""
        for turn in range(1, 100):
            if await self.holding.copied_before(erase, self.holds):
                return turn
        msg = "it would wait for ever"
        raise AssertionError(msg)


async def test_an_erasure_whom_several_large_holds_name_waits_for_one_after_the_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    many = await asyncio.to_thread(ManyHolds, tmp_path)
    erase = erase_command("PSEUDONYM", output="study")
    assert await many.turns(erase) == 3 * 3 + 1
    assert many.copies == [one.command for one in many.holds], "each once"
    assert sum("are read" in one for one in caplog.messages) == 3
    assert await many.turns(erase) > 1, "asked again, nothing is taken for known"
    assert len(many.copies) == 6


async def test_what_may_have_come_since_it_was_copied_is_looked_for_again(tmp_path: Path) -> None:
    many = await asyncio.to_thread(ManyHolds, tmp_path)
    erase = erase_command("PSEUDONYM", output="study")
    many.holding.keep_to(many.holds)

    async def look(times: int) -> list[str]:
        for _ in range(times):
            assert not await many.holding.copied_before(erase, many.holds)
        return many.copies

    first = many.holds[0].command
    assert await look(4) == [first]
    many.holding.saw([Arrived("t", 0, 0, NOW_MS, b"PSEUDONYM", b"", ())])
    assert await look(1) == [first], "the erasure refuses what comes"
    many.now_ms = erase.until_ms
    assert await look(1) == [first] * 2
    assert await look(1) == [first] * 2
    many.holding.forget_all_but([erase.command])
    assert await look(1) == [first] * 2
    many.holding.forget_all_but(())
    assert await look(1) == [first] * 3


def beat(rows: HoldRows) -> None:
    rows.tell()
    rows.vouch()


def test_released_holds_crowd_out_no_living_one() -> None:
    found = HoldRows("study", holds_max=1)
    for number in range(10):
        one = HoldCommand(
            v=HOLD_VERSION, command=f"released-command-{number}", output="study",
            placed_ms=NOW_MS, released_ms=NOW_MS,
        )  # fmt: skip
        found.apply(hold_key(one.command).encode(), encode_hold(one))
    living = sinks_hold("PSEUDONYM", output="study")
    found.apply(hold_key(living.command).encode(), encode_hold(living))
    assert living in found.unvouched
    assert not found.crowded


def test_more_holds_than_a_sink_knows_are_crowded() -> None:
    found = HoldRows("study", holds_max=1)
    for id_ in ("hold-command-1", "hold-command-2"):
        one = sinks_hold("PSEUDONYM", id_=id_, output="study")
        found.apply(hold_key(id_).encode(), encode_hold(one))
    assert found.crowded


async def test_no_erasure_waits_for_the_holds_of_others(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done, copy, erase = list[str](), HoldFolder.copy, StoredLake.erase

    def copied(folder: HoldFolder, *given: Any) -> Held:
        done.append("hold")
        return copy(folder, *given)

    def taken(store: StoredLake, *given: Any) -> Receipt:
        done.append("erase")
        return erase(store, *given)

    monkeypatch.setattr(HoldFolder, "copy", copied)
    monkeypatch.setattr(StoredLake, "erase", taken)
    async with kept(settings, broker, study) as task:
        one = command(study)
        office.put(one.command.encode(), encode_command(one))
        await asyncio.sleep(10)  # it is refused, and no heartbeat told of it
        for number in range(20):
            other = sinks_hold(f"SOMEBODY {number}", id_=f"hold-command-{number}", output="study")
            place(office, other, beat=False)
        office.beat()
        await until(lambda: erased(broker), task)
        await until(lambda: len(answers(broker)) == 20, task)
    assert done.index("erase") <= 1
    assert done.count("hold") == 20, "each has its turn"


def has_held(settings: Settings, rows: int) -> bool:
    return len(held_rows(settings.hold_dir)) == rows


async def test_sealed_files_are_not_read_again_for_what_came_since(
    settings: Settings,
    broker: FakeBroker,
    office: Office,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = list[int]()

    def read(content: bytes) -> HeldCopy | None:
        reads.append(len(content))
        return unframed(content)

    monkeypatch.setattr("sinks.holds.copied.unframed", read)
    monkeypatch.setattr("roadfade.processes.sink.holding.NEW_AGAIN_MS", 1)
    async with kept(settings, broker, study[:1]) as task:
        place(office, hold(study))
        await until(lambda: bool(answers(broker)), task)
        for number in (1, 2):
            feed(broker, study[number : number + 1])
            await until(partial(has_held, settings, 2 * (number + 1)), task)
    assert reads == []
    assert len(held_rows(settings.hold_dir)) == 6
    before = len(answers(broker))
    async with keeping(settings, broker) as task:
        await until(lambda: len(answers(broker)) > before, task)
    assert len(reads) == len(files_in(settings.hold_dir)), "at a start each is read once"
