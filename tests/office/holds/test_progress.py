"""A hold reaches every output before an erasure does, grows with epochs, and ends as a whole."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from sqlalchemy import update

from office.erasure.answers import listed_stores
from office.erasure.overview import of_subject
from office.erasure.saga import State as Erasure
from office.erasure.selecting import Life
from office.erasure.steps import HELD_BACK, NO_BACKUP
from office.holds.answers import take_hold_answers
from office.holds.commanding import Wanted
from office.holds.progress import HoldProgress
from office.holds.register import State
from office.keyring.hold_keys import name_of, private_key, public_key
from office.registry.erasure_requests import NewErasure
from office.registry.links import NewLink
from office.replay_memory.items import Ended, Item
from office.replay_memory.known import End, Known, StoreOf
from office.restored.amend import amend
from office.restored.amended import Since
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from office.store.hold_tables import HOLDS
from policy.plan.epochs import epoch_at
from policy.vocabulary.terms import Epoch
from telemetry.identity import DeviceId, EpochKey
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, format_instant
from telemetry.topics import erase_topic
from telemetry.wire.erasure import take_command
from telemetry.wire.hold import is_hold
from tests.office.erasure.conftest import ANA, BEN, HORIZONS, LAKE, NOW_MS, OUTPUTS
from tests.office.holds.conftest import HOLD, HoldingOffice, answer
from tests.office.test_forgetting import bytes_of

EVERYTHING = NewErasure("erase", ANA, "asked")
LAST_WEEK = NewErasure("erase", ANA, "asked", NOW_MS - 7 * DAY_MS, NOW_MS)


class DiedError(Exception):
    """The process is no more."""


def die_at(step: str) -> Callable[[str], None]:
    def die(passed: str) -> None:
        if passed == step:
            raise DiedError

    return die


async def test_every_output_has_a_command_and_a_key_of_its_own_and_names_nobody(
    office: HoldingOffice,
) -> None:
    hold = await office.place(HOLD._replace(from_ms=NOW_MS - DAY_MS))
    await office.hold_turn()
    commands = office.hold_commands()
    assert {one.output for one in commands} == OUTPUTS
    assert len({one.command for one in commands}) == len({one.public_key for one in commands}) == 3
    values = b"".join(r.value or b"" for r in office.topics.records if is_hold(r.key))
    assert not any(one.encode() in values for one in (ANA, BEN, hold, "case 7"))
    for one in commands:
        key = office.keyring.get(*name_of(one.command))
        assert key is not None and public_key(key) == one.public_key
        assert (one.from_ms, one.to_ms, one.lanes) == (NOW_MS - DAY_MS, None, [])
        assert one.floors_ms
    assert not set.intersection(*(set(one.pseudonyms) for one in commands))


async def test_only_the_purposes_named_are_held(office: HoldingOffice) -> None:
    await office.place(HOLD._replace(purposes=["research"]))
    await office.hold_turn()
    assert {one.output for one in office.hold_commands()} == {"research"}


async def test_it_holds_the_pseudonyms_that_an_erasure_would_name_and_no_others(
    office: HoldingOffice,
) -> None:
    await office.place()
    await office.ask(EVERYTHING)
    await office.turn()
    await office.turn()
    erased = {(one.output, name) for one in office.commands() for name in one.pseudonyms}
    held = {(one.output, name) for one in office.hold_commands() for name in one.pseudonyms}
    assert held == erased


async def test_a_vehicles_hold_names_who_had_it_then_and_nobody_later(
    office: HoldingOffice,
) -> None:
    dongle = DeviceId("dongle-of-ana")
    sold_ms = NOW_MS - 10 * DAY_MS
    await office.registry.close_link(dongle, sold_ms)
    await office.registry.register_fleet([NewLink(dongle, BEN, sold_ms)], [])
    of_vehicle = HOLD._replace(subject=None, device=dongle)
    before = await office.place(of_vehicle._replace(to_ms=sold_ms))
    await office.hold_turn()
    seller = {name for one in office.hold_commands() for name in one.pseudonyms}
    await office.release(before)
    await office.place(HOLD)
    await office.hold_turn()
    of_ana = {name for one in office.hold_commands() for name in one.pseudonyms}
    assert seller == of_ana
    await office.place(of_vehicle)
    await office.hold_turn()
    both = {name for one in office.hold_commands() for name in one.pseudonyms}
    assert seller < both


async def test_a_new_epoch_makes_the_command_grow_within_a_minute(office: HoldingOffice) -> None:
    await office.place()
    await office.hold_turn()
    (before,) = [one for one in office.hold_commands() if one.output == "research"]
    epoch = epoch_at(Epoch(3), NOW_MS - 190 * DAY_MS).name
    office.keyring.ensure([("research", "team", epoch)])
    office.now_ms += MINUTE_MS - 1
    await office.hold_turn()
    assert before in office.hold_commands()
    office.now_ms += 1
    await office.hold_turn()
    (after,) = [one for one in office.hold_commands() if one.output == "research"]
    assert (after.command, after.public_key) == (before.command, before.public_key)
    assert set(before.pseudonyms) < set(after.pseudonyms)


async def test_a_hold_whose_key_is_destroyed_is_released_and_others_go_on(
    office: HoldingOffice,
) -> None:
    hold, other = await office.place(), await office.place(HOLD._replace(subject=BEN))
    await office.hold_turn()
    (of_ana, *_) = await office.commands_of(hold)
    office.keyring.destroy([name_of(of_ana.command)])
    epoch = epoch_at(Epoch(3), NOW_MS - 190 * DAY_MS).name
    office.keyring.ensure([("research", "team", epoch)])
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure, Erasure.GONE)
    told = await office.told(hold)
    assert told.state is not State.LIVING
    assert [(one.what, one.who) for one in told.entries][-1] == ("released", "roadfade office")
    assert (await office.told(other)).state is State.LIVING


async def test_what_was_copied_under_a_key_that_is_lost_is_copied_anew_under_another(
    office: HoldingOffice,
) -> None:
    hold = await office.place()
    await office.hold_turn()
    before = await office.commands_of(hold)
    for one in before:
        del office.keyring._keys[name_of(one.command)]
    office.now_ms += MINUTE_MS
    await office.hold_turn()
    after = [one for one in await office.commands_of(hold) if one not in before]
    assert sorted(one.pseudonyms for one in after) == sorted(one.pseudonyms for one in before)
    for one in after:
        key = office.keyring.get(*name_of(one.command))
        assert key is not None and public_key(key) == one.public_key


async def test_a_hold_that_fails_is_told_with_whom_it_is_about_and_stops_no_other(
    office: HoldingOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_vehicle = HOLD._replace(subject=None, device=DeviceId("dongle-of-ana"))
    failing = {await office.place(), await office.place(of_vehicle)}
    other = await office.place(HOLD._replace(subject=BEN))
    commands = HoldProgress._commands

    def fails(self: HoldProgress, wanted: Wanted, *more: Any) -> Any:
        if wanted.row.hold in failing:
            raise DiedError
        return commands(self, wanted, *more)

    monkeypatch.setattr(HoldProgress, "_commands", fails)
    failed = await office.holding.extend(lambda: office.plans, OUTPUTS, NOW_MS)
    assert [one.subjects for one in failed] == [{ANA}, {ANA}]
    assert await office.commands_of(other)
    mine, bens = await office.ask(EVERYTHING), await office.ask(EVERYTHING._replace(subject=BEN))
    await office.progress.turn(lambda: office.plans, OUTPUTS, NOW_MS, failed[0].subjects)
    assert (await office.state(mine.erasure), await office.state(bens.erasure)) == (
        Erasure.ASKED, Erasure.COMMANDED,
    )  # fmt: skip


async def test_no_erasure_is_commanded_before_the_hold_that_covers_it(
    office: HoldingOffice,
) -> None:
    await office.place()
    await office.hold_turn()
    await office.ask(LAST_WEEK)
    # A worker has begun an epoch meanwhile, and the hold's minute is not over.
    epoch = epoch_at(Epoch(3), NOW_MS - 190 * DAY_MS).name
    office.keyring.ensure([("research", "team", epoch)])
    await office.turn()
    await office.outbox.drain(office.topics.publish)
    held, late = set[str](), set[str]()
    for record in office.topics.records:
        if record.topic != erase_topic("research"):
            continue
        if is_hold(record.key):
            held = {n for one in office.hold_commands() for n in one.pseudonyms}
        else:
            command = take_command(record.value, "research")
            late |= set(command.pseudonyms if command else ()) - held
    assert held and not late


async def test_a_full_command_is_followed_by_another(
    office: HoldingOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("office.holds.commanding.PSEUDONYMS_MAX", 1)
    await office.place()
    await office.hold_turn()
    commands = office.hold_commands()
    assert {len(one.pseudonyms) for one in commands} == {1}
    assert len(commands) > len(OUTPUTS)
    office.now_ms += HOUR_MS
    await office.hold_turn()
    assert office.hold_commands() == commands


async def test_outputs_that_cannot_be_reached_are_told_and_caught_up(
    office: HoldingOffice,
) -> None:
    office.reachable = {"research"}
    hold = await office.place()
    await office.hold_turn()
    assert (await office.told(hold)).unreached == ("service", "sharing")
    office.reachable = OUTPUTS
    office.now_ms += HOUR_MS
    await office.hold_turn()
    assert {one.output for one in office.hold_commands()} == OUTPUTS
    assert (await office.told(hold)).unreached == ()


async def test_it_is_complete_since_the_last_store_first_had_all(office: HoldingOffice) -> None:
    hold = await office.place()
    await office.hold_turn()
    assert (await office.told(hold)).complete_since_ms is None
    office.now_ms += HOUR_MS
    await office.hold_turn()
    office.now_ms += HOUR_MS
    await office.hold_turn()
    told = await office.told(hold)
    assert told.complete_since_ms == NOW_MS + HOUR_MS, "the first answer counts"
    assert {(one.store, one.rows) for one in told.held} == {(LAKE, 5)}
    assert await registered(office.database) == 3, "a store is known by its answer to a hold, too"


async def test_what_a_store_cannot_read_or_has_no_room_for_is_not_complete(
    office: HoldingOffice,
) -> None:
    hold = await office.place()
    await office.hold_turn()
    await office.hold_turn()
    (one, *_) = office.hold_commands()
    async with office.database.writing() as connection:
        for store, more in (("lake:2", {"complete": False}), ("lake:3", {"unreadable": 1})):
            await take_hold_answers(connection, [answer(one, store, 5, NOW_MS, **more)])
    told = await office.told(hold)
    assert told.complete_since_ms is None
    assert {found.store: found.complete for found in told.held}["lake:2"] is False


async def test_an_answer_of_another_output_is_not_taken(office: HoldingOffice) -> None:
    await office.place()
    await office.hold_turn()
    (one, *_) = office.hold_commands()
    wrong = answer(one, LAKE, 5, NOW_MS, output="other")
    async with office.database.writing() as connection:
        assert await take_hold_answers(connection, [wrong]) == 1


async def test_held_then_erased_a_copy_remains_and_that_is_said_until_it_is_released(
    office: HoldingOffice,
) -> None:
    hold = await office.place()
    await office.hold_turn()
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure, Erasure.GONE)
    whats = {one.what: one for one in await office.entries()}
    assert (whats["held"].copy, whats["gone"].d3) == (f"hold {hold}", HELD_BACK)
    assert "unheld" not in whats
    assert (await office.told(hold)).of == "nobody any more"
    assert office.hold_commands(), "stores are still told under which pseudonyms"
    await office.release(hold)
    await office.hold_turn()
    unheld = [one for one in await office.entries() if one.what == "unheld"]
    assert [(one.erasure, one.copy, one.d3) for one in unheld] == [
        (asked.erasure, f"hold {hold}", NO_BACKUP)
    ]


async def test_without_the_hold_backups_say_when_no_copy_is_left(office: HoldingOffice) -> None:
    """Another hold goes on keeping one, and that is said as long as it does."""
    first, second = (
        await office.place(),
        await office.place(HOLD._replace(reference="another case")),
    )
    await office.hold_turn()
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure, Erasure.GONE)
    ends_ms = office.now_ms + 30 * DAY_MS
    async with office.database.writing() as connection:
        await connection.execute(update(ERASURES).values(d3_ms=ends_ms))
    for hold in (first, second):
        await office.release(hold)
        await office.hold_turn()
    unheld = [one for one in await office.entries() if one.what == "unheld"]
    assert [(one.copy, one.d3) for one in unheld] == [
        (f"hold {first}", HELD_BACK),
        (f"hold {second}", format_instant(ends_ms)),
    ]


async def test_a_persons_request_says_that_a_copy_is_held(office: HoldingOffice) -> None:
    hold = await office.place()
    await office.hold_turn()
    asked = await office.ask(LAST_WEEK)
    await office.turn()
    assert await backups(office) == (True, None), "before it is removed, too"
    await office.run(asked.erasure, Erasure.GONE)
    assert await backups(office) == (True, HELD_BACK)
    await office.release(hold)
    await office.hold_turn()
    assert await backups(office) == (False, NO_BACKUP)


async def test_what_no_store_copied_or_is_of_another_time_is_not_said_to_be_held(
    office: HoldingOffice,
) -> None:
    office.copied = 0
    await office.place()
    await office.hold_turn()
    empty = await office.ask(LAST_WEEK)
    await office.run(empty.erasure, Erasure.GONE)
    office.copied = 5
    await office.place(HOLD._replace(from_ms=office.now_ms + DAY_MS))
    await office.hold_turn()
    other = await office.ask(LAST_WEEK._replace(from_ms=NOW_MS - 6 * DAY_MS))
    office.copied = 0
    await office.run(other.erasure, Erasure.GONE)
    assert not [one for one in await office.entries() if one.what == "held"]


async def test_released_it_names_nobody_and_its_keys_are_gone_before_that_is_said(
    office: HoldingOffice,
) -> None:
    hold = await office.place()
    await office.hold_turn()
    before = office.hold_commands()
    await office.release(hold)
    await office.hold_turn()
    after = office.hold_commands()
    assert [one.command for one in after] == [one.command for one in before]
    assert {(len(one.pseudonyms), one.public_key, one.released_ms) for one in after} == {
        (0, "", NOW_MS)
    }
    for one in before:
        assert office.keyring.state(name_of(one.command)) == "destroyed"
    told = await office.told(hold)
    assert (told.state, told.of) == (State.UNREADABLE, "nobody any more")
    await office.hold_turn()
    assert (await office.told(hold)).state is State.CLOSED
    assert office.hold_commands() == []
    await office.hold_turn()
    names = [name.encode() for one in before for name in one.pseudonyms]
    assert not any(name in bytes_of(office.folder) for name in names)


async def test_it_is_not_closed_while_a_store_may_have_copies(office: HoldingOffice) -> None:
    hold = await office.place()
    await office.hold_turn()
    await office.hold_turn()
    await office.release(hold)
    await office.hold_turn()
    office.stores = []
    for _ in range(2):
        await office.hold_turn()
    assert (await office.told(hold)).state is State.UNREADABLE
    assert len(office.hold_commands()) == 3


async def test_released_ones_that_no_store_answers_for_crowd_out_no_living_one(
    office: HoldingOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("office.holds.telling.HOLDS_MAX", 1)
    office.stores = []
    for _ in range(2):
        hold = await office.place()
        await office.hold_turn()
        assert (await office.told(hold)).unreached == ()
        await office.release(hold)
        await office.hold_turn()


async def test_if_no_store_is_known_it_is_closed_once_none_could_come_with_copies(
    office: HoldingOffice,
) -> None:
    office.stores = []
    hold = await office.place()
    await office.hold_turn()
    await office.release(hold)
    await office.hold_turn()
    outputs = {one.output for one in office.hold_commands()}
    life = Life(office.now_ms, HORIZONS.replay_ms)
    last_ms = max(life.until_ms(office.plans, one, None) for one in outputs)
    for office.now_ms, state in ((last_ms - 1, State.UNREADABLE), (last_ms, State.CLOSED)):
        await office.hold_turn()
        assert (await office.told(hold)).state is state


async def test_one_with_an_end_is_released_by_itself(office: HoldingOffice) -> None:
    hold = await office.place(HOLD._replace(end_ms=NOW_MS + DAY_MS))
    await office.hold_turn()
    office.now_ms += DAY_MS
    for _ in range(3):
        await office.hold_turn()
    told = await office.told(hold)
    assert (told.state, told.released_ms) == (State.CLOSED, NOW_MS + DAY_MS)
    assert [(one.what, one.who) for one in told.entries][-1] == ("ended", "roadfade office")


@pytest.mark.parametrize(
    "step", ["keys made", "commanded", "remembered", "keys destroyed", "released", "closed"]
)
async def test_killed_at_any_step_the_next_turn_goes_on(office: HoldingOffice, step: str) -> None:
    async def dies() -> None:
        office.hook = die_at(step)
        with pytest.raises(DiedError):
            await three_turns()
        office.hook = lambda _: None

    async def three_turns() -> None:
        for _ in range(3):
            await office.hold_turn()

    hold = await office.place()
    if step in {"keys made", "commanded"}:
        await dies()
    office.now_ms += HOUR_MS
    await office.hold_turn()
    await office.hold_turn()
    commands = office.hold_commands()
    assert sorted(one.output for one in commands) == sorted(OUTPUTS), "each once"
    for one in commands:
        key = office.keyring.get(*name_of(one.command))
        assert key is not None and public_key(key) == one.public_key
    await office.release(hold)
    if step not in {"keys made", "commanded"}:
        await dies()
    await three_turns()
    assert (await office.told(hold)).state is State.CLOSED
    assert all(office.keyring.state(name_of(one.command)) == "destroyed" for one in commands)
    assert office.hold_commands() == []


class Remembered:
    """A memory of these ends alone."""

    weeks = ()

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items

    def ended(self, kind: str, name: str) -> End | None:
        return End(None, NOW_MS) if Ended(kind, name, None) in self._items else None

    def withheld_of(self, _subject: str) -> list[Any]:
        return []

    def commands(self) -> list[Any]:
        return []

    def published(self) -> dict[str, bytes]:
        return {}

    def stores(self) -> dict[StoreOf, int]:
        return {}


async def restored(office: HoldingOffice, *, lost: bool = False) -> int:
    """How many holds an office lets go of that is put back."""
    known = cast("Known", Remembered(office.remembered))
    return (await amend(office.database, known, Since(NOW_MS - DAY_MS, NOW_MS, lost))).released


async def test_put_back_as_it_was_a_released_hold_does_not_live_again(
    office: HoldingOffice,
) -> None:
    """It was put on record, nothing was commanded yet when the backup was made."""
    hold, other = await office.place(), await office.place(HOLD._replace(subject=BEN))
    assert await restored(office) == 0
    row = update(HOLDS).where(HOLDS.c.hold == hold)
    await office.release(hold)
    office.hook = die_at("keys destroyed")
    with pytest.raises(DiedError):
        await office.holding.let_go(lambda: office.plans, NOW_MS)
    async with office.database.writing() as connection:
        await connection.execute(row.values(state=State.LIVING, released_ms=None))
    assert await restored(office) == 1
    assert (await office.told(hold)).state is State.RELEASED
    assert (await office.told(other)).state is State.LIVING


async def test_if_the_memory_is_lost_every_hold_is_let_go_of(office: HoldingOffice) -> None:
    for who in (ANA, BEN):
        await office.place(HOLD._replace(subject=who))
    assert await restored(office, lost=True) == 2


async def test_what_is_held_is_published_again_to_a_broker_that_lost_it(
    office: HoldingOffice,
) -> None:
    await office.place()
    await office.hold_turn()
    before = {one.command: one for one in office.hold_commands()}
    office.topics.records.clear()
    await office.outbox.republish_all()
    await office.outbox.drain(office.topics.publish)
    assert {one.command: one for one in office.hold_commands()} == before


def test_a_private_key_is_an_epoch_keys_bytes() -> None:
    key = EpochKey(b"p" * 32)
    assert private_key(key).private_bytes_raw() == b"p" * 32


async def registered(database: Database) -> int:
    async with database.reading() as connection:
        return len(await listed_stores(connection))


async def backups(office: HoldingOffice) -> tuple[bool, str | None]:
    async with office.database.reading() as connection:
        (one,) = await of_subject(connection, ANA, 0, office.now_ms)
    return one.held, one.d3
