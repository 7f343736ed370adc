"""A request goes its whole way, waits for whoever has to answer, and survives dying anywhere."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from office.erasure.answers import (
    known_stores,
    listed_stores,
    retire_store,
    take_answers,
    take_hellos,
)
from office.erasure.overview import of_subject
from office.erasure.progress import Moment, Progress
from office.erasure.receipt_chain import Entry, mine
from office.erasure.saga import State, Step
from office.errors import OfficeError
from office.registry.erasure_requests import NewErasure
from office.store.erasure_tables import ERASURES
from policy.plan.epochs import epoch_at
from policy.vocabulary.terms import Epoch
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS, HOUR_MS, SECOND_MS, format_instant
from telemetry.wire.control import ConsentInterval, LinkInterval, Restriction
from telemetry.wire.erasure import EraseAnswer
from telemetry.wire.store_hello import StoreHello
from tests.office.conftest import Topics
from tests.office.erasure.conftest import (
    ANA,
    BEN,
    HORIZONS,
    LAKE,
    NOW_MS,
    OUTPUTS,
    SIGNING,
    TURNS_MAX,
    Office,
)
from tests.office.erasure.test_selecting import erasing
from tests.office.test_forgetting import bytes_of
from tests.support.plans import PLAN

EVERYTHING = NewErasure("erase", ANA, "asked")
LAST_WEEK = NewErasure("erase", ANA, "asked", NOW_MS - 7 * DAY_MS, NOW_MS)
Told = tuple[str, str | None, str | None, int | None, int | None]


class DiedError(Exception):
    """The process is no more."""


def told(entries: Sequence[Entry]) -> list[Told]:
    """What receipts tell, but for when."""
    return [(e.what, e.copy, e.output, e.located_before, e.located_after) for e in entries]


WHOLE_WAY: list[Told] = [
    ("asked", None, None, None, None),
    ("denied", None, None, None, None),
    ("erased", LAKE, "research", 7, 0),
    ("erased", LAKE, "service", 7, 0),
    ("erased", LAKE, "sharing", 7, 0),
    ("ended", "purpose.research", None, None, None),
    ("ended", "purpose.service", None, None, None),
    ("ended", "purpose.sharing", None, None, None),
    ("ended", "telemetry.raw", None, None, None),
    ("unlinked", "office", None, 2, None),
    ("ended", "control topics", None, None, None),
    ("ended", "events.reported", None, None, None),
    ("gone", None, None, None, None),
    ("closed", None, None, None, None),
]


@pytest.mark.parametrize("days", [30, -1])
async def test_d3_is_when_the_last_backup_ends_that_is_there_at_d2(
    office: Office, days: int
) -> None:
    last_ms = NOW_MS + days * DAY_MS
    office.progress = Progress(
        office.database, office.keyring, SIGNING.sign, HORIZONS, backups_end_ms=lambda: last_ms
    )
    asked = await office.ask(NewErasure("erase", ANA, "asked", to_ms=NOW_MS))
    await office.run(asked.erasure, State.GONE)
    gone = next(entry for entry in await office.entries() if entry.what == "gone")
    assert gone.d2_ms is not None
    assert gone.d3 == format_instant(max(last_ms, gone.d2_ms))
    async with office.database.reading() as connection:
        (told,) = await of_subject(connection, ANA, HORIZONS.view_ms, office.now_ms)
    assert told.d3 == gone.d3


async def test_if_nobody_knows_which_backups_there_are_a_request_is_not_done(
    office: Office,
) -> None:
    def unknown() -> int | None:
        raise PermissionError

    office.progress = Progress(
        office.database, office.keyring, SIGNING.sign, HORIZONS, backups_end_ms=unknown
    )
    asked = await office.ask(NewErasure("erase", ANA, "asked", to_ms=NOW_MS))
    with pytest.raises(PermissionError):
        await office.run(asked.erasure, State.GONE)
    assert await office.state(asked.erasure) is State.BOUND


async def test_a_whole_person_goes_from_every_copy_and_then_from_the_office(
    office: Office,
) -> None:
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure)
    entries = await office.entries()
    assert told(entries) == WHOLE_WAY
    gone = next(entry for entry in entries if entry.what == "gone")
    assert gone.d1_ms is not None and gone.d2_ms is not None
    assert NOW_MS + HORIZONS.view_ms <= gone.d1_ms < gone.d2_ms
    assert gone.d3 == "no backup is registered"
    rows = office.topics.seen().values()
    of_people = (LinkInterval, ConsentInterval, Restriction)
    assert {row.subject for row in rows if isinstance(row, of_people)} == {BEN}
    assert office.commands() == []


async def test_no_byte_of_the_person_is_left_in_the_offices_files(office: Office) -> None:
    (secret,) = [
        row.secret
        for row in (await _seen(office)).values()
        if isinstance(row, LinkInterval) and row.subject == ANA
    ]
    asked = await office.ask(EVERYTHING)
    await office.turn()
    await office.turn()
    pseudonyms = [name for one in office.commands() for name in one.pseudonyms]
    assert pseudonyms
    marks = [ANA.encode(), bytes(secret), asked.nonce or b"", *(p.encode() for p in pseudonyms)]
    before = bytes_of(office.folder)
    assert all(mark in before for mark in marks)
    await office.run(asked.erasure)
    after = bytes_of(office.folder)
    assert [mark for mark in marks if mark in after] == []
    assert BEN.encode() in after


async def _seen(office: Office) -> dict[bytes, object]:
    await office.outbox.drain(office.topics.publish)
    return dict(office.topics.seen())


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("step", Step)
async def test_whoever_dies_at_a_step_goes_on_and_leaves_the_same_receipts(
    folder: Path, step: Step, moment: Moment
) -> None:
    office = Office(folder)
    died = False

    def die(at: Step, when: Moment) -> None:
        if (at, when) == (step, moment):
            raise DiedError

    await office.open(die)
    await office.furnish()
    asked = await office.ask(EVERYTHING)
    try:
        await office.run(asked.erasure)
    except DiedError:
        died = True
    assert died
    await office.database.close()
    await office.open()
    await office.run(asked.erasure)
    assert told(await office.entries()) == WHOLE_WAY
    assert ANA.encode() not in bytes_of(folder)
    await office.database.close()


async def test_nothing_is_told_as_compacted_while_no_office_sent_heartbeats(
    office: Office,
) -> None:
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure, State.FORGOTTEN)
    await office.database.close()
    office.now_ms += 10 * HORIZONS.control_ms
    began_ms = office.now_ms
    await office.open()
    await office.run(asked.erasure)
    (ended,) = [one for one in await office.entries() if one.copy == "control topics"]
    assert ended.done_ms == began_ms + HORIZONS.control_ms


async def _withdrawn(office: Office) -> str:
    """A consent ends, and all that rests on it is to go."""
    at_ms = office.now_ms
    await office.registry.withdraw(ANA, "sharing", "insurer", at_ms, erase=True, now_ms=at_ms)
    async with office.database.reading() as connection:
        return str(await connection.scalar(select(ERASURES.c.erasure)))


async def _ended(office: Office) -> str:
    """What an event asks for on its day."""
    lanes = {"service": ["400d"]}
    end = NewErasure("end", ANA, "contract_end", to_ms=NOW_MS - DAY_MS, lanes=lanes)
    return (await office.ask(end)).erasure


OF_A_PART = [step for step in Step if step not in (Step.UNLINK, Step.FORGET)]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("step", OF_A_PART)
@pytest.mark.parametrize(("asked", "output"), [(_withdrawn, "sharing"), (_ended, "service")])
async def test_whoever_dies_at_a_step_of_a_withdrawal_or_an_event_goes_on(
    folder: Path,
    asked: Callable[[Office], Awaitable[str]],
    output: str,
    step: Step,
    moment: Moment,
) -> None:
    office = Office(folder)
    died: list[Step] = []

    def die(at: Step, when: Moment) -> None:
        if (at, when) == (step, moment):
            died.append(at)
            raise DiedError

    await office.open(die)
    await office.furnish()
    erasure = await asked(office)
    with pytest.raises(DiedError):
        await office.run(erasure)
    await office.database.close()
    await office.open()
    await office.run(erasure)
    entries = told(await office.entries())
    raw = [("ended", "telemetry.raw", None, None, None)] if output == "service" else []
    assert entries == [
        ("asked", None, None, None, None),
        ("denied", None, None, None, None),
        ("erased", LAKE, output, 7, 0),
        ("ended", f"purpose.{output}", None, None, None),
        *raw,
        ("gone", None, None, None, None),
        ("closed", None, None, None, None),
    ]
    assert died == [step]
    assert office.commands() == []
    await office.database.close()


async def test_two_that_work_at_once_do_no_step_twice(office: Office) -> None:
    asked = await office.ask(EVERYTHING)
    other = Office(office.folder)
    other.topics, other.keyring = office.topics, office.keyring
    await other.open()
    try:
        for _ in range(2 * TURNS_MAX):
            done = await asyncio.gather(office.turn(), other.turn(), return_exceptions=True)
            # One that scrubs meets the other's reading: it is refused, and tried again.
            assert all(isinstance(one, list | OfficeError) for one in done)
            row, standing = await office.found(asked.erasure)
            if standing.state is State.CLOSED and not standing.unscrubbed:
                break
            office.now_ms = other.now_ms = max(office.now_ms + SECOND_MS, row.look_ms)
        assert told(await office.entries()) == WHOLE_WAY
    finally:
        await other.database.close()


async def test_what_keeps_readings_back_stands_until_nothing_leads_to_the_person(
    office: Office,
) -> None:
    asked = await office.ask(EVERYTHING)
    kept_back = [row for row in (await _seen(office)).values() if isinstance(row, Restriction)]
    assert [(row.subject, row.reason, row.purpose, row.to_ms) for row in kept_back] == [
        (ANA, "erased", None, None)
    ]
    while await office.state(asked.erasure) is not State.UNLINKED:
        await office.turn()
        row = (await office.found(asked.erasure)).row
        office.now_ms = max(office.now_ms + SECOND_MS, row.look_ms)
    await office.turn()
    office.now_ms += HORIZONS.view_ms - SECOND_MS
    await office.turn()
    rows = (await _seen(office)).values()
    assert not any(isinstance(row, LinkInterval) and row.subject == ANA for row in rows)
    assert any(isinstance(row, Restriction) for row in rows)


async def test_what_a_person_had_erased_in_part_is_kept_back_for_that_part(
    office: Office,
) -> None:
    asked = await office.ask(LAST_WEEK._replace(purposes=["research", "service"]))
    await office.run(asked.erasure)
    rows = [row for row in (await _seen(office)).values() if isinstance(row, Restriction)]
    assert {(row.purpose, row.from_ms, row.to_ms) for row in rows} == {
        (purpose, NOW_MS - 7 * DAY_MS, NOW_MS) for purpose in ("research", "service")
    }


async def test_commands_go_out_at_once_and_d1_waits_until_no_worker_knows_less(
    office: Office,
) -> None:
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.outbox.drain(office.topics.publish)
    assert {one.output for one in office.commands()} == OUTPUTS
    await office.turn()
    office.now_ms += HORIZONS.view_ms - 1
    await office.turn()
    assert (await office.found(asked.erasure)).row.d1_ms is None
    office.now_ms += 1
    await office.turn()
    assert (await office.found(asked.erasure)).row.d1_ms == NOW_MS + HORIZONS.view_ms


async def test_d1_waits_for_an_outbox_that_cannot_publish(office: Office) -> None:
    asked = await office.ask(LAST_WEEK)
    office.now_ms += DAY_MS
    await office.turn(publish=False)
    (waiting,) = await office.turn(publish=False)
    assert "published" in waiting.wait.why
    assert await office.state(asked.erasure) is State.COMMANDED


async def test_what_lies_under_a_key_made_meanwhile_is_commanded_as_d1_is_reached(
    office: Office,
) -> None:
    await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    first = {(one.output, name) for one in office.commands() for name in one.pseudonyms}
    # A worker that did not know yet has begun an epoch.
    epoch = epoch_at(Epoch(3), NOW_MS - 190 * DAY_MS).name
    office.keyring.ensure([("research", "team", epoch)])
    office.now_ms += HORIZONS.view_ms
    await office.turn()
    await office.outbox.drain(office.topics.publish)
    then = {(one.output, name) for one in office.commands() for name in one.pseudonyms}
    assert first < then
    assert {output for output, _ in then - first} == {"research"}


async def test_it_waits_for_every_store_that_has_ever_answered(office: Office) -> None:
    office.stores = []
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    office.now_ms += HOUR_MS
    (waiting,) = await office.turn()
    assert waiting.wait.why == "no store is known for these outputs"
    assert set(waiting.wait.outputs) == OUTPUTS
    office.stores = [LAKE, "postgres:00"]
    await office.turn()
    assert await office.state(asked.erasure) is State.ERASED
    # From its first answer on a store is known, and waited for.
    office.stores = [LAKE]
    later = await office.ask(LAST_WEEK._replace(to_ms=NOW_MS - DAY_MS))
    await office.turn()
    await office.turn()
    office.now_ms += HOUR_MS
    waiting = (await office.turn())[-1]
    assert waiting.wait.why == "stores have not answered yet for these outputs"
    async with office.database.writing() as connection:
        assert await retire_store(connection, "postgres:00", office.now_ms)
        assert not await retire_store(connection, "nobody", office.now_ms)
    await office.turn()
    assert await office.state(later.erasure) is State.ERASED


SECOND: str = "postgres:00"


async def comes(office: Office) -> None:
    """A second store says that it is there."""
    said = StoreHello(v=1, kind="hello", store=SECOND, outputs=sorted(OUTPUTS), at_ms=office.now_ms)
    async with office.database.writing() as connection:
        assert await take_hellos(connection, [said]) == 0


async def test_it_waits_for_a_store_that_said_hello_and_never_answered(office: Office) -> None:
    asked = await office.ask(LAST_WEEK)
    await comes(office)
    for _ in range(3):
        await office.turn()
    office.now_ms += HOUR_MS
    (waiting,) = await office.turn()
    assert waiting.wait.why == "stores have not answered yet for these outputs"
    assert await office.state(asked.erasure) is State.SUPPRESSED
    office.stores = [LAKE, SECOND]
    await office.turn()
    assert await office.state(asked.erasure) is State.ERASED
    assert {one.copy for one in await office.entries() if one.what == "erased"} == {LAKE, SECOND}


async def test_a_store_that_comes_later_is_awaited_before_commands_are_taken_back(
    office: Office,
) -> None:
    asked = await office.ask(LAST_WEEK)
    await office.run(asked.erasure, State.GONE)
    await comes(office)
    office.now_ms = (await office.found(asked.erasure)).row.until_ms
    (waiting,) = await office.turn()
    assert waiting.wait.why == "stores have not answered yet for these outputs"
    assert len(office.commands()) == len(OUTPUTS)
    office.stores = [LAKE, SECOND]
    await office.run(asked.erasure)
    assert office.commands() == []
    erased = [one.copy for one in await office.entries() if one.what == "erased"]
    assert erased == [LAKE] * len(OUTPUTS) + [SECOND] * len(OUTPUTS)


def hello(store: str, outputs: list[str]) -> StoreHello:
    return StoreHello(v=1, kind="hello", store=store, outputs=outputs, at_ms=NOW_MS)


async def test_a_store_for_which_there_is_no_room_is_awaited_and_retired_ones_take_none(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("office.erasure.answers.STORES_MAX", len(OUTPUTS) + 1)
    outputs = sorted(OUTPUTS)
    async with office.database.writing() as connection:
        assert await take_hellos(connection, [hello(LAKE, outputs)]) == 0
        assert await take_hellos(connection, [hello("lake:new", outputs)]) == 1
        assert await take_hellos(connection, [hello(f"lake:{n}", outputs) for n in range(9)]) == 9
        listed = await listed_stores(connection)
        assert len(listed) <= 2 * (len(OUTPUTS) + 1) + 1
        unnamed = {one.store for one in listed if one.output == "*"}
        assert {"lake:new", "unnamed"} < unnamed
        for store in sorted(unnamed - {"lake:new"}):
            assert await retire_store(connection, store, NOW_MS + 1)
    asked = await office.ask(LAST_WEEK)
    for _ in range(3):
        await office.turn(answer=False)
    async with office.database.writing() as connection:
        assert await take_answers(connection, list(office.answers())) == 0
    office.now_ms += HOUR_MS
    (waiting,) = await office.turn(answer=False)
    assert waiting.wait.why == "stores have not answered yet for these outputs"
    async with office.database.writing() as connection:
        await retire_store(connection, LAKE, office.now_ms)
        assert await take_hellos(connection, [hello("lake:new", outputs)]) == 0
        known = await known_stores(connection)
        assert known == dict.fromkeys(outputs, frozenset({"lake:new"}))
        # Much later those that were retired are forgotten, but not that some output had a store.
        await retire_store(connection, "lake:new", office.now_ms + 40 * DAY_MS)
        assert {one.store for one in await listed_stores(connection)} == {"lake:new"}
        await retire_store(connection, "nobody", office.now_ms + 90 * DAY_MS)
        assert await known_stores(connection) == dict.fromkeys(outputs, frozenset())
    assert await office.state(asked.erasure) is State.SUPPRESSED


async def test_a_retired_store_whose_clock_was_ahead_stays_so_as_its_topic_is_read_again(
    office: Office,
) -> None:
    ahead = StoreHello(v=1, kind="hello", store=LAKE, outputs=["service"], at_ms=NOW_MS + HOUR_MS)
    async with office.database.writing() as connection:
        await take_hellos(connection, [ahead], [NOW_MS])
        assert await retire_store(connection, LAKE, NOW_MS + 1)
        await take_hellos(connection, [ahead], [NOW_MS])
        assert await known_stores(connection) == {"service": frozenset()}
        # What it says later makes it known, though its clock is behind by then.
        await take_hellos(connection, [hello(LAKE, ["service"])], [NOW_MS + 2])
        assert await known_stores(connection) == {"service": frozenset({LAKE})}


async def test_answers_that_are_read_again_once_they_are_receipts_are_counted_once(
    office: Office,
) -> None:
    office.hindered = set(OUTPUTS)
    asked = await office.ask(LAST_WEEK)
    await office.run(asked.erasure, State.SUPPRESSED)
    on_topic = list(office.answers())
    office.hindered = set()
    office.now_ms += HOUR_MS
    on_topic += office.answers()
    await office.run(asked.erasure, State.GONE)
    # An office that starts reads the topic from its beginning: "some are left", then "none is".
    async with office.database.writing() as connection:
        assert await take_answers(connection, on_topic) == 0
    for _ in range(3):
        office.now_ms = max(office.now_ms, (await office.found(asked.erasure)).row.until_ms)
        await office.turn(answer=False)
    assert await office.state(asked.erasure) is State.CLOSED
    erased = [one for one in await office.entries() if one.what == "erased"]
    assert len(erased) == len(OUTPUTS)


async def test_it_waits_for_a_store_that_could_not_remove_everything(office: Office) -> None:
    office.hindered = {"service"}
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    office.now_ms += HOUR_MS
    (waiting,) = await office.turn()
    assert waiting.wait.why == "stores could not remove everything yet"
    assert waiting.wait.outputs == ("service",)
    office.hindered = set()
    office.now_ms += SECOND_MS
    await office.turn()
    assert await office.state(asked.erasure) is State.ERASED


async def test_what_a_store_says_as_it_is_asked_again_takes_nothing_from_what_it_removed(
    office: Office,
) -> None:
    await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    command = next(one for one in office.commands() if one.output == "service")

    def answer(before: int, after: int, at_ms: int, output: str = "service") -> EraseAnswer:
        return EraseAnswer(
            v=1, command=command.command, output=output, store=LAKE, located_before=before,
            located_after=after, unreadable=0, digest="e" * 64, at_ms=at_ms,
        )  # fmt: skip

    async with office.database.writing() as connection:
        assert await take_answers(connection, [answer(0, 0, NOW_MS + HOUR_MS)]) == 0
        assert await take_answers(connection, [answer(5, 0, NOW_MS - 1)]) == 0
        # An answer about another output than its command's is none.
        assert await take_answers(connection, [answer(0, 0, NOW_MS, "research")]) == 1
    office.now_ms += HORIZONS.view_ms
    await office.turn(answer=False)
    entries = [entry for entry in await office.entries() if entry.output == "service"]
    assert [entry.located_before for entry in entries] == [7]


async def test_a_store_whose_clock_was_ahead_has_not_the_last_word_on_what_is_left(
    office: Office,
) -> None:
    office.hindered = set(OUTPUTS)
    asked = await office.ask(LAST_WEEK)
    await office.turn(answer=False)
    office.now_ms += 400 * DAY_MS  # and so says the store, until its clock is set
    await office.outbox.drain(office.topics.publish)
    async with office.database.writing() as connection:
        assert await take_answers(connection, list(office.answers())) == 0
    office.now_ms = NOW_MS + HOUR_MS
    office.hindered = set()
    await office.run(asked.erasure, State.ERASED)


async def test_a_clock_that_was_set_back_makes_d1_no_earlier(office: Office) -> None:
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    assert (await office.found(asked.erasure)).standing.published_ms == NOW_MS
    office.now_ms -= SECOND_MS
    await office.turn()
    office.now_ms += HORIZONS.view_ms - 1
    await office.turn()
    assert (await office.found(asked.erasure)).row.d1_ms is None, "a worker may know less"
    office.now_ms += 1
    await office.turn()
    assert (await office.found(asked.erasure)).row.d1_ms is not None


async def test_a_clock_that_was_ahead_holds_no_request_up_for_long(office: Office) -> None:
    office.now_ms += 400 * DAY_MS
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    office.now_ms = NOW_MS
    for _ in range(3):
        await office.turn()
        office.now_ms += HORIZONS.view_ms
    assert await office.state(asked.erasure) is State.ERASED


async def test_requests_that_wait_for_somebody_keep_no_other_from_its_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("on_record", "progress"):
        monkeypatch.setattr(f"office.erasure.{module}.AT_ONCE_MAX", 2)
    office.stores = []
    for day in (1, 2, 3):
        await office.ask(LAST_WEEK._replace(to_ms=NOW_MS - day * DAY_MS))
    for _ in range(4):
        await office.turn()
        office.now_ms += HORIZONS.view_ms
    last = await office.ask(EVERYTHING._replace(subject=BEN))
    for _ in range(3):
        await office.turn()
        office.now_ms += SECOND_MS
    assert await office.state(last.erasure) is State.COMMANDED


async def test_who_comes_back_after_being_forgotten_is_somebody_new(office: Office) -> None:
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure, State.FORGOTTEN)
    dongle = DeviceId("dongle-of-ana")
    await office.registry.register(dongle, ANA, office.now_ms)
    await office.run(asked.erasure)
    rows = (await _seen(office)).values()
    assert [row.device for row in rows if isinstance(row, LinkInterval) and row.subject == ANA] == [
        dongle
    ]
    assert not any(isinstance(row, Restriction) for row in rows), "nothing is withheld any more"


async def test_a_request_for_a_part_leaves_the_person_in_the_register(office: Office) -> None:
    asked = await office.ask(LAST_WEEK)
    await office.run(asked.erasure)
    rows = (await _seen(office)).values()
    assert {row.subject for row in rows if isinstance(row, LinkInterval)} == {ANA, BEN}
    whats = [entry.what for entry in await office.entries()]
    assert "unlinked" not in whats
    assert whats[-2:] == ["gone", "closed"]


async def test_what_comes_late_is_refused_until_nothing_can_come(office: Office) -> None:
    asked = await office.ask(LAST_WEEK)
    await office.run(asked.erasure, State.GONE)
    until_ms = (await office.found(asked.erasure)).row.until_ms
    office.now_ms = until_ms - 1
    await office.turn()
    assert {one.output for one in office.commands()} == OUTPUTS
    office.now_ms = until_ms
    await office.turn()
    await office.outbox.drain(office.topics.publish)
    assert office.commands() == []


async def test_outputs_that_cannot_be_reached_hold_nothing_else_up(office: Office) -> None:
    office.reachable = OUTPUTS - {"research"}
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    assert {one.output for one in office.commands()} == office.reachable
    office.now_ms += HOUR_MS
    (waiting,) = await office.turn()
    assert waiting.wait.outputs == ("research",)
    office.reachable = OUTPUTS
    await office.run(asked.erasure, State.ERASED)
    assert {one.output for one in office.commands()} == OUTPUTS


async def test_what_lies_under_destroyed_keys_is_told_as_unlocatable(office: Office) -> None:
    epoch = epoch_at(Epoch(3), NOW_MS - 100 * DAY_MS).name
    office.keyring.destroy([("research", "team", epoch)])
    asked = await office.ask(LAST_WEEK)
    await office.run(asked.erasure, State.ERASED)
    (lost,) = [entry for entry in await office.entries() if entry.what == "unlocatable"]
    assert lost.located_before == 1


async def test_an_error_of_one_request_holds_no_other_up(office: Office) -> None:
    first = await office.ask(EVERYTHING)
    second = await office.ask(EVERYTHING._replace(subject=BEN))

    def fail(step: Step, moment: Moment) -> None:
        del moment
        if step is Step.COMMAND and not failed:
            failed.append(step)
            raise DiedError

    failed: list[Step] = []
    await office.database.close()
    await office.open(fail)
    with pytest.raises(DiedError):
        await office.turn()
    states = {await office.state(one.erasure) for one in (first, second)}
    assert states == {State.ASKED, State.COMMANDED}


async def test_the_first_receipt_is_opened_by_the_nonce_alone(office: Office) -> None:
    asked = await office.ask(EVERYTHING)
    other = await office.ask(EVERYTHING._replace(subject=BEN))
    await office.run(asked.erasure)
    entries = await office.entries()
    assert asked.nonce is not None and other.nonce is not None
    theirs = mine(entries, asked.nonce, ANA)
    assert told(theirs) == WHOLE_WAY
    assert mine(entries, other.nonce, ANA) == []


async def test_nobody_stands_in_a_receipt(office: Office) -> None:
    asked = await office.ask(EVERYTHING)
    await office.turn()
    await office.turn()
    names = {name for one in office.commands() for name in [one.command, *one.pseudonyms]}
    rows = {key.decode() for key in (await _seen(office))}
    await office.run(asked.erasure)
    chain = " ".join(str(entry) for entry in await office.entries())
    assert not [name for name in {ANA, BEN, "dongle", *names, *rows} if name in chain]


async def test_an_outbox_filled_again_says_what_lives_of_commands(office: Office) -> None:
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    await office.turn()
    living = {one.command for one in office.commands()}
    office.topics = Topics()
    await office.outbox.republish_all()
    await office.outbox.drain(office.topics.publish)
    assert {one.command for one in office.commands()} == living
    assert await office.state(asked.erasure) is State.COMMANDED


async def test_a_withdrawal_takes_along_what_the_policy_in_force_erases_with_it(
    office: Office,
) -> None:
    """Nobody has to say --erase, and neither does the person who answers at the desk know of it."""
    office.plans = [PLAN, erasing()]
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS, now_ms=NOW_MS)
    await office.turn()
    await office.turn(answer=False)
    found = sorted(
        (one.from_ms is None, one.lanes) for one in office.commands() if one.output == "sharing"
    )
    assert found == [(False, []), (True, ["60d"])]
    office.plans = [PLAN]
    await office.registry.withdraw(BEN, "sharing", "insurer", NOW_MS, now_ms=NOW_MS)
    await office.turn()
    await office.turn(answer=False)
    whatever = [one for one in office.commands() if one.from_ms is None]
    assert len(whatever) == 1


async def test_a_withdrawal_for_a_later_day_erases_nothing_before_it(office: Office) -> None:
    office.plans = [erasing()]
    later_ms = NOW_MS + DAY_MS
    await office.registry.withdraw(ANA, "sharing", "insurer", later_ms, now_ms=NOW_MS)
    await office.turn()
    await office.turn()
    assert office.commands() == []
    office.now_ms = later_ms
    await office.turn()
    await office.turn(answer=False)
    assert len(office.commands()) == 2
