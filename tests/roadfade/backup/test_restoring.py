"""A restore brings back what may come back, and nothing that was removed since."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert

from office.consent_evidence.officers_file import OfficersFile
from office.consent_evidence.rows import EvidenceRow, Leaving
from office.erasure.consent_moves import ConsentMoves
from office.erasure.progress import Progress
from office.holds.register import NewHold, place
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.ports import ControlRecord
from office.registry.erasure_requests import NewErasure
from office.registry.events import NewEvent
from office.registry.links import NewLink, link_of
from office.replay_memory.items import EPOCH_KEY, Commanded, Ended, Published, items_of, key_id
from office.replay_memory.memory import ReplayMemory
from office.replay_memory.taken_back import TakenBackEvents
from office.store.event_tables import EVENT_IDS
from office.store.hold_tables import HOLD_COMMANDS
from roadfade.backup import manifest as manifests
from roadfade.backup import schemas
from roadfade.backup.copied_keyring import UNSAID
from roadfade.backup.steps import Step
from roadfade.backup.truing import Trued
from roadfade.ledger_file import LedgerFile
from roadfade.processes.starting import require_no_restore
from roadfade.refusal import NotReady, Refusal
from sinks.lake.digest import lake_digest
from sinks.lake.stored import StoredLake
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS, HOUR_MS
from telemetry.topics import CONTROL_LINKS, erase_topic
from telemetry.wire.control import encode_row
from telemetry.wire.erasure import EraseCommand, encode_command
from telemetry.wire.hold import HOLD_VERSION, HoldCommand, encode_hold, hold_key
from telemetry.wire.publication import Publication, encode_publication
from tests.office.erasure.conftest import ANA, BEN, HORIZONS, SHARING, SIGNING
from tests.office.erasure.test_consent_moves import SAYS
from tests.roadfade.backup.house import OUTPUT, ROWS_EACH, TABLES, House, KillAt, Killed

WHOLE = NewErasure("erase", ANA, "asked")
_VERSION = encode_publication(Publication("test", 7, 0, 0, {"policy.yaml": "text"}))


def test_a_person_who_was_erased_since_is_not_there_again_and_nobody_else_lacks_anything(
    house: House,
) -> None:
    bens = house.rows_of(BEN)
    made = house.make()
    assert house.located(ANA) == house.located(BEN) == ROWS_EACH
    house.erased(WHOLE)
    after = lake_digest(house.settings.lake_dir)
    house.lose()

    done = house.restore(made)

    house.open()
    assert house.located(ANA) == 0
    assert [house.count(table, ANA) for table in TABLES] == [0] * len(TABLES)
    assert house.rows_of(BEN) == bens
    assert lake_digest(house.settings.lake_dir) == after
    assert [house.count(table, BEN) for table in TABLES] == [1, 1, 0, 0, 0]
    assert (done.trued.erased, done.trued.rows, done.trued.left) == (ROWS_EACH, ROWS_EACH, 0)
    assert done.trued.office.persons == 1
    assert LedgerFile(house.settings.ledger_path).expired() == {OUTPUT: ROWS_EACH}


def test_no_byte_of_a_person_who_was_erased_is_in_a_restored_file(house: House) -> None:
    made = house.make()
    house.erased(WHOLE)
    house.lose()

    house.restore(made)

    # Commands that live name pseudonyms, as they did before; nothing else does.
    office = house.settings.office_path.read_bytes()
    assert str(ANA).encode() not in office
    for path in house.settings.state_dir.rglob("*"):
        if path.is_file() and path != house.settings.office_path:
            content = path.read_bytes()
            assert not [
                one for one in (str(ANA), *house.pseudonyms[ANA]) if one.encode() in content
            ]
    house.open()


def test_a_part_that_was_erased_since_is_not_there_again(house: House) -> None:
    made = house.make()
    house.erased(NewErasure("erase", ANA, "asked", purposes=["service"]))
    house.lose()

    house.restore(made)

    house.open()
    assert house.located(ANA) == 0
    assert house.count("links", ANA) == 1
    assert house.found("SELECT reason, purpose FROM restrictions") == [("erased", "service")]


def test_a_part_that_was_asked_for_since_is_asked_for_again_and_goes_its_way(house: House) -> None:
    made = house.make()
    house.erased(NewErasure("erase", ANA, "asked", purposes=["research", "service"]))
    house.lose()

    done = house.restore(made)

    house.open()
    assert (done.trued.office.asked, done.trued.office.unasked) == (1, 0)
    query = "SELECT kind, reason, state, purposes, links FROM erasures WHERE subject IS NOT NULL"
    assert house.found(query) == [("erase", "asked", "asked", b'["research","service"]', None)]
    house.publish()
    house.do(house.office.turn())
    assert ("commanded",) in house.found("SELECT state FROM erasures WHERE subject IS NOT NULL")


def test_of_whom_several_vehicles_were_linked_a_part_is_withheld_and_told_of(house: House) -> None:
    since_ms = house.now_ms - 100 * DAY_MS
    second = NewLink(DeviceId("second"), ANA, since_ms)
    house.do(house.office.registry.register_fleet([second]))
    made = house.make()
    house.erased(NewErasure("erase", ANA, "asked", purposes=["service"]))
    house.lose()

    done = house.restore(made)

    house.open()
    assert (done.trued.office.asked, done.trued.office.unasked) == (0, 1)
    assert house.found("SELECT reason, purpose FROM restrictions") == [("erased", "service")]


def test_an_erasure_that_was_under_way_as_the_backup_was_made_goes_on(house: House) -> None:
    house.office.now_ms = house.now_ms
    asked = house.do(house.office.ask(WHOLE))
    house.do(house.office.turn())
    made = house.make()
    house.lose()

    house.restore(made)

    house.open()
    assert house.located(ANA) == 0
    house.do(house.office.run(asked.erasure))
    assert [house.count(table, ANA) for table in TABLES] == [0] * len(TABLES)


def test_who_came_back_before_the_backup_is_not_forgotten_again(house: House) -> None:
    house.erased(WHOLE)
    house.now_ms += HOUR_MS
    house.do(house.office.registry.register(DeviceId("ana-new"), ANA, house.now_ms))
    house.publish()
    house.now_ms += HOUR_MS
    made = house.make()
    house.lose()

    house.restore(made)

    house.open()
    assert house.count("links", ANA) == 1


def test_who_asked_since_and_was_not_commanded_yet_is_erased_and_the_request_stands(
    house: House,
) -> None:
    made = house.make()
    house.now_ms += HOUR_MS
    house.office.now_ms = house.now_ms
    house.do(house.office.ask(WHOLE))
    house.publish()
    house.lose()

    done = house.restore(made)

    house.open()
    assert (house.located(ANA), house.located(BEN)) == (0, ROWS_EACH)
    assert (done.trued.erased, done.trued.office.persons) == (ROWS_EACH, 0)
    (asked,) = house.found("SELECT erasure, state, subject FROM erasures")
    assert (asked.state, asked.subject) == ("asked", str(ANA))
    assert house.count("restrictions", ANA) == 1
    house.do(house.office.run(asked.erasure))
    assert [house.count(table, ANA) for table in TABLES] == [0] * len(TABLES)


def test_who_had_asked_as_the_backup_was_made_is_erased(house: House) -> None:
    house.office.now_ms = house.now_ms
    house.do(house.office.ask(WHOLE))
    made = house.make()
    house.lose()

    house.restore(made)

    house.open()
    assert (house.located(ANA), house.located(BEN)) == (0, ROWS_EACH)
    assert house.found("SELECT state FROM erasures") == [("asked",)]


def test_a_link_whose_beginning_was_moved_since_begins_then(house: House) -> None:
    made = house.make()
    (ana,) = house.found("SELECT * FROM links WHERE subject = :who", who=ANA)
    moved = msgspec.structs.replace(link_of(ana), from_ms=house.now_ms)
    record = ControlRecord(CONTROL_LINKS, None, ana.link.encode(), encode_row(moved))
    memory = ReplayMemory.made(house.settings.suppressions_path, house.now_ms)
    memory.remember(list(items_of(record)), house.now_ms)
    house.lose()

    house.restore(made)

    house.open()
    query = "SELECT from_ms, to_ms FROM links WHERE subject = :who ORDER BY from_ms"
    assert house.found(query, who=ANA) == [(ana.from_ms, ana.from_ms), (house.now_ms, None)]


def test_a_command_that_lives_no_more_is_carried_out_all_the_same(house: House) -> None:
    made = house.make()
    pseudonyms = house.pseudonyms[ANA]
    command = EraseCommand(
        v=1, command="c0mmand-one", output=OUTPUT, pseudonyms=pseudonyms, asked_ms=house.now_ms,
        until_ms=house.now_ms + 1,
    )  # fmt: skip
    some = [Commanded(command.command, OUTPUT, encode_command(command))]
    ReplayMemory(house.settings.suppressions_path).remember(some, house.now_ms)
    house.now_ms += HOUR_MS
    house.lose()

    assert house.restore(made).trued.office.commands == 0

    house.open()
    assert (house.located(ANA), house.located(BEN)) == (0, ROWS_EACH)


def test_a_backup_of_before_what_is_remembered_today_is_refused(house: House) -> None:
    made = house.make()
    house.lose()
    house.settings = house.settings.model_copy(update={"replay_days": 1})
    house.now_ms += 2 * DAY_MS
    with pytest.raises(Refusal, match="for replay_days"):
        house.restore(made)
    house.open()


def test_a_clock_that_was_set_back_revives_nobody(house: House) -> None:
    made = house.make()
    house.now_ms -= HOUR_MS
    house.erased(WHOLE)
    house.now_ms = made.data.made_ms + HOUR_MS
    house.lose()

    assert house.restore(made).trued.office.persons == 1

    house.open()
    assert house.count("links", ANA) == 0


def test_a_consent_that_was_withdrawn_since_stays_withdrawn(house: House) -> None:
    made = house.make()
    at_ms = house.now_ms + 1
    house.do(house.office.registry.withdraw(ANA, SHARING.purpose, None, at_ms))
    house.publish()
    house.lose()

    done = house.restore(made)

    house.open()
    ends = house.found("SELECT subject, to_ms FROM consents ORDER BY subject")
    assert ends == [(ANA, at_ms), (BEN, None)]
    assert done.trued.office.ended == 1
    waiting = house.found("SELECT count(*) FROM outbox")
    assert waiting == [(1,)], "workers have to learn of it, too"
    assert done.trued.office.withdrawals == 1
    asked = house.found("SELECT kind, from_ms, begins_ms FROM erasures")
    assert asked == [("withdraw", at_ms, None)], "and stores, if they had not"


def test_what_goes_with_a_withdrawal_that_takes_effect_after_the_restore_goes_then(
    house: House,
) -> None:
    made = house.make()
    later_ms = house.now_ms + 10 * DAY_MS
    withdrawn = house.office.registry.withdraw(
        ANA, SHARING.purpose, None, later_ms, erase=True, now_ms=house.now_ms
    )
    house.do(withdrawn)
    house.publish()
    house.lose()

    house.restore(made)

    house.open()
    asked = house.found("SELECT kind, state, from_ms, begins_ms FROM erasures")
    assert asked == [("withdraw", "asked", None, later_ms)]


def test_a_link_that_was_closed_or_deleted_since_is_so_again(house: House) -> None:
    made = house.make()
    (ana,) = house.found("SELECT link FROM links WHERE subject = :who", who=ANA)
    house.do(house.office.registry.delete_link(ana.link))
    house.do(house.office.registry.close_link(DeviceId("dongle-of-ben"), house.now_ms))
    house.publish()
    house.lose()

    house.restore(made)

    house.open()
    assert house.found("SELECT subject, to_ms FROM links") == [(BEN, house.now_ms)]


def test_an_objection_made_since_keeps_back_again_until_it_was_lifted(house: House) -> None:
    made = house.make()
    registry, at_ms = house.office.registry, house.now_ms
    house.do(registry.object_to(ANA, "research", None, at_ms))
    lifted = house.do(registry.object_to(BEN, "research", None, at_ms))
    house.publish()
    house.do(registry.lift(lifted, at_ms + HOUR_MS))
    house.publish()
    house.lose()

    house.restore(made)

    house.open()
    found = house.found("SELECT subject, reason, purpose, to_ms FROM restrictions ORDER BY subject")
    assert found == [
        (ANA, "objected", "research", None),
        (BEN, "objected", "research", at_ms + HOUR_MS),
    ]


def test_an_event_that_was_taken_back_since_is_not_there_again_and_another_is(house: House) -> None:
    about = [NewEvent("contract_end", house.now_ms - DAY_MS, who) for who in (ANA, BEN)]
    wrong, right = house.do(house.office.registry.record_events(about, house.now_ms))

    async def reported() -> None:
        rows = [{"digest": one, "event": one, "told_ms": house.now_ms} for one in (wrong, right)]
        async with house.office.database.writing() as connection:
            await connection.execute(insert(EVENT_IDS), rows)

    house.do(reported())
    made = house.make()
    memory = TakenBackEvents(house.settings.office_path, lambda: house.now_ms)
    house.do(house.office.registry.take_back_event(wrong, memory.remember))
    house.lose()

    assert house.restore(made).trued.office.taken_back == 1

    house.open()
    assert house.found("SELECT event FROM events") == [(right,)]
    assert house.found("SELECT event FROM event_ids") == [(right,)]
    assert house.do(memory.known([wrong, right])) == {wrong}


def test_a_legal_hold_that_was_released_since_is_released_again(house: House) -> None:
    command, at_ms = "a-hold-command", house.now_ms

    async def hold() -> None:
        new = NewHold("litigation", "case 1", "counsel", at_ms + DAY_MS, ANA)
        async with house.office.database.writing() as connection:
            held = await place(connection, new, 90, at_ms)
            row = {"command": command, "hold": held, "output": OUTPUT, "topic": "as it is called"}
            await connection.execute(insert(HOLD_COMMANDS), row | {"value": b"{}"})

    house.do(hold())
    made = house.make()
    released = HoldCommand(
        v=HOLD_VERSION, command=command, output=OUTPUT, placed_ms=at_ms, released_ms=at_ms
    )
    key, value = hold_key(command).encode(), encode_hold(released)
    items = list(items_of(ControlRecord(erase_topic(OUTPUT), None, key, value)))
    ReplayMemory.made(house.settings.suppressions_path, at_ms).remember(items, at_ms)
    house.lose()

    assert house.restore(made).trued.office.released == 1

    house.open()
    assert house.found("SELECT state FROM holds") == [("released",)]


def test_what_ended_meanwhile_is_not_there_again(house: House) -> None:
    made = house.make()
    house.lose()
    house.now_ms += 12 * DAY_MS

    done = house.restore(made)

    house.open()
    assert (done.trued.expired, done.trued.rows) == (ROWS_EACH, ROWS_EACH)
    assert StoredLake(house.settings.lake_dir).overdue(house.now_ms) == []


def test_topics_that_are_read_again_double_nothing_and_revive_nobody(house: House) -> None:
    made = house.make()
    later = house.records(8)
    assert house.write(later).rows == 2 * ROWS_EACH
    house.erased(WHOLE)
    before = lake_digest(house.settings.lake_dir)
    house.lose()

    house.restore(made)

    house.open()
    house.office.topics.records.clear()  # topics were lost, too: the office says it all again
    house.do(house.office.outbox.republish_all())
    house.publish()
    # The sink asks the lake how far it is, whatever the group has committed.
    again = house.write([*house.records(0), *later])
    assert (again.replayed, again.refused, again.rows) == (8, 4, ROWS_EACH)
    assert house.located(ANA) == 0
    assert lake_digest(house.settings.lake_dir) == before
    assert house.write([*house.records(0), *later]).rows == 0


def test_commands_that_were_remembered_are_taken_back_in_their_time(house: House) -> None:
    made = house.make()
    house.erased(WHOLE)
    house.lose()
    house.restore(made)
    house.open()
    (one,) = house.found("SELECT erasure, until_ms FROM erasures WHERE reason = 'restored'")
    house.office.now_ms = house.now_ms = one.until_ms

    house.do(house.office.run(one.erasure))

    assert house.found("SELECT count(*) FROM erase_commands") == [(0,)]
    assert house.office.commands() == []


def test_a_version_of_the_policy_that_was_published_since_is_on_record(house: House) -> None:
    made = house.make()
    memory = ReplayMemory(house.settings.suppressions_path)
    memory.remember([Published("test@7", _VERSION)], house.now_ms)
    house.lose()

    done = house.restore(made)

    house.open()
    assert house.found("SELECT version FROM policies") == [(7,)]
    assert done.trued.office.versions == 1


def test_destroyed_keys_stay_destroyed(house: House) -> None:
    made = house.make()
    name = _destroy_one(house)
    house.lose()

    house.restore(made)

    house.open()
    assert _keyring(house).state(name) == "destroyed"
    assert set(_keyring(house).states().values()) == {"live", "destroyed"}


def test_a_keyring_whose_key_encryption_key_is_gone_is_not_restored(house: House) -> None:
    made = house.make()
    _destroy_one(house)
    house.lose(house.settings.keyring_path)

    with pytest.raises(Refusal, match="not the one under which the keys of this backup lie"):
        house.restore(made)
    assert not house.settings.office_path.exists()

    house.open()


def test_a_keyring_of_another_installation_whose_keys_are_destroyed_is_refused(
    house: House,
) -> None:
    """By its keys alone it could be a later state: whatever was live is gone, and the KEK changed."""
    made = house.make()
    names = list(_keyring(house).states())
    house.lose(house.settings.keyring_path)
    other = Keyring.open(house.settings.keyring_path, FileKek(house.settings.kek_file))
    other.ensure(names)
    other.destroy(names)
    with pytest.raises(Refusal, match="is not the one that was copied"):
        house.restore(made)


def test_a_backup_that_does_not_say_whose_its_keyring_is_is_restored_with_a_warning(
    house: House,
) -> None:
    with closing(sqlite3.connect(house.settings.keyring_path)) as connection:
        connection.execute("DROP TABLE installation")
    made = house.make()
    house.close()
    house.open()  # a newer program, since
    house.lose()
    assert house.restore(made).trued.warnings == [UNSAID]


def test_a_later_state_of_the_keyring_is_restored_without_a_warning(house: House) -> None:
    made = house.make()
    _destroy_one(house)
    house.lose()
    assert house.restore(made).trued.warnings == []


def test_a_keyring_of_another_installation_is_refused_though_its_keys_have_the_same_names(
    house: House,
) -> None:
    made = house.make()
    names = list(_keyring(house).states())
    mine = house.settings
    house.lose(mine.keyring_path)
    kek = mine.kek_file.read_bytes()
    Keyring.open(mine.keyring_path, FileKek(mine.kek_file)).ensure(names)
    with pytest.raises(Refusal, match="is not the one that was copied"):
        house.restore(made)

    house.lose(mine.keyring_path, mine.kek_file)
    Keyring.open(mine.keyring_path, FileKek(mine.kek_file)).ensure(names)
    assert mine.kek_file.read_bytes() != kek
    with pytest.raises(Refusal, match="is not the one that was copied"):
        house.restore(made)
    house.open()


def test_newer_keys_open_older_data(house: House) -> None:
    made = house.make()
    name = _destroy_one(house)
    house.now_ms += HOUR_MS
    newer = house.make()
    house.lose(house.settings.keyring_path)

    house.restore(made, keys=newer)

    house.open()
    assert _keyring(house).state(name) == "destroyed"


def test_keys_that_were_about_to_be_destroyed_are_destroyed_first(house: House) -> None:
    made = house.make()
    name = min(_keyring(house).states())
    memory = ReplayMemory(house.settings.suppressions_path)
    memory.remember([Ended(EPOCH_KEY, key_id(*name), None)], house.now_ms)
    house.lose(house.settings.keyring_path)

    done = house.restore(made)

    house.open()
    assert done.destroyed == 1
    assert _keyring(house).state(name) == "destroyed"


def test_without_a_memory_nothing_is_restored_unless_it_is_said_that_it_is_lost(
    house: House,
) -> None:
    made = house.make()
    house.erased(WHOLE)
    house.lose(house.settings.suppressions_path)
    with pytest.raises(Refusal, match=r"there is no suppressions\.sqlite"):
        house.restore(made)

    house.restore(made, lost=True)

    house.open()
    assert not house.settings.lake_dir.exists()
    made_ms = made.data.made_ms
    assert house.found("SELECT DISTINCT to_ms FROM links") == [(made_ms,)]
    assert house.found("SELECT DISTINCT to_ms FROM consents") == [(made_ms,)]
    with ReplayMemory(house.settings.suppressions_path).known() as known:
        assert (known.since_ms, known.copied_ms) == (house.now_ms, None)


def test_a_memory_that_began_after_the_backup_is_not_enough(house: House) -> None:
    made = house.make()
    house.lose(house.settings.suppressions_path)
    house.now_ms += HOUR_MS
    ReplayMemory.made(house.settings.suppressions_path, house.now_ms)

    with pytest.raises(Refusal, match=f"this backup is of {made.data.made_at}"):
        house.restore(made)

    house.open()


def test_a_backups_copy_of_the_memory_is_not_taken_for_the_memory(house: House) -> None:
    made = house.make()
    house.now_ms += HOUR_MS
    house.erased(WHOLE)
    file = house.settings.suppressions_path
    house.lose(file)
    shutil.copy(house.places.keys / made.keys.name / schemas.MEMORY, file)

    with pytest.raises(Refusal, match=r"suppressions\.sqlite .* is a backup's copy"):
        house.restore(made)

    # An office that goes on with it knows what came since then, and no more.
    ReplayMemory.made(file, house.now_ms)
    with ReplayMemory(file).known() as known:
        assert (known.since_ms, known.copied_ms) == (house.now_ms, None)
    with pytest.raises(Refusal, match=f"this backup is of {made.data.made_at}"):
        house.restore(made)
    house.open()


def test_nothing_that_is_there_is_replaced(house: House) -> None:
    made = house.make()
    with pytest.raises(
        Refusal,
        match=r"office\.sqlite, ledger\.sqlite, lake, office\.sqlite-wal.* in .* move these away",
    ):
        house.restore(made)


@pytest.mark.parametrize(
    "name", ["office.sqlite-wal", "ledger.sqlite-journal", "keyring.sqlite-shm"]
)
def test_what_an_older_database_left_is_not_played_over_the_restored_one(
    house: House, name: str
) -> None:
    made = house.make()
    house.lose(house.settings.keyring_path)
    left = house.settings.state_dir / name
    left.write_bytes(b"pages of another")
    with pytest.raises(Refusal, match=f"{name} in .* would be replaced"):
        house.restore(made)
    left.unlink()
    with pytest.raises(Killed):
        house.restore(made, KillAt(5))
    left.write_bytes(b"pages of another")

    with pytest.raises(Refusal, match=f"{name} came into"):
        house.restore(made)

    left.unlink()
    house.restore(made)
    house.open()


def test_a_restored_lake_has_the_modes_of_the_one_before_and_databases_are_their_owners(
    house: House,
) -> None:
    lake = house.settings.lake_dir
    before = {path.relative_to(lake): path.stat().st_mode for path in (lake, *lake.rglob("*"))}
    made = house.make()
    house.lose()
    house.restore(made)
    house.open()
    after = {path.relative_to(lake): path.stat().st_mode for path in (lake, *lake.rglob("*"))}
    both = before.keys() & after.keys()
    assert len([one for one in both if one.suffix == ".parquet"]) > 1
    assert {one: before[one] for one in both} == {one: after[one] for one in both}
    for file in (house.settings.office_path, house.settings.ledger_path):
        assert file.stat().st_mode & 0o777 == 0o600


def test_an_ended_backup_is_refused(house: House) -> None:
    made = house.make()
    house.lose()
    house.now_ms = made.data.ends_ms
    with pytest.raises(Refusal, match="this backup ended at"):
        house.restore(made)
    house.open()


def test_keys_that_are_older_than_the_data_are_refused(house: House) -> None:
    older = house.make()
    house.now_ms += HOUR_MS
    made = house.make()
    house.lose()
    with pytest.raises(Refusal, match="those keys were copied before that data"):
        house.restore(made, keys=older)
    house.open()


def test_a_flipped_byte_is_found_in_whatever_file_it_is(house: House) -> None:
    made = house.make()
    house.lose()
    files = [
        folder / one.path
        for folder, said in (
            (house.places.data / made.data.name, made.data),
            (house.places.keys / made.keys.name, made.keys),
        )
        for one in said.files
    ]
    assert len(files) > 6
    for path in files:
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(Refusal, match="is not what was copied there"):
            house.restore(made)
        path.write_bytes(whole)
        assert not house.settings.office_path.exists()
        require_no_restore(house.settings)  # nothing of it is left, either
    house.restore(made)
    house.open()


@pytest.mark.parametrize("name", [schemas.OFFICE, schemas.LEDGER, schemas.LAKE, schemas.KEYRING])
def test_a_newer_schema_is_refused(house: House, name: str) -> None:
    made = house.make()
    of_keys = name == schemas.KEYRING
    folder = house.places.keys / made.keys.name if of_keys else house.places.data / made.data.name
    said = manifests.read(folder)
    said.schemas[name] = 1_000
    _write(folder, said)
    house.lose()
    mine = schemas.known()[name]
    with pytest.raises(
        Refusal, match=f"{name} of this backup has schema 1000, this program knows {mine}"
    ):
        house.restore(made)
    house.open()


def test_a_database_with_a_column_that_this_program_does_not_know_counts_as_newer(
    house: House,
) -> None:
    with closing(sqlite3.connect(house.settings.office_path)) as connection:
        connection.execute("ALTER TABLE links ADD COLUMN later INTEGER")
    made = house.make()
    house.lose()
    with pytest.raises(Refusal, match=r"office\.sqlite of this backup has schema"):
        house.restore(made)
    house.open()


def test_a_newer_form_of_backups_is_refused(house: House) -> None:
    made = house.make()
    folder = house.places.data / made.data.name
    _write(folder, msgspec.structs.replace(made.data, v=2))
    house.lose()
    with pytest.raises(Refusal, match="has form 2, this program reads form 1"):
        house.restore(made)
    house.open()


def _steps(house: House) -> list[Step]:
    made = house.make()
    house.erased(WHOLE)
    house.lose(house.settings.keyring_path)
    hook = KillAt()
    house.restore(made, hook)
    return hook.passed


def test_a_restore_has_these_steps(house: House) -> None:
    passed = _steps(house)
    assert passed[:6] == [
        Step.COPIED, Step.REMEMBERED, Step.AMENDED, Step.ERASED, Step.EXPIRED, Step.READY,
    ]  # fmt: skip
    assert passed[6:] == [Step.MOVED] * 4
    house.open()


@pytest.mark.parametrize("at", range(10))
def test_a_restore_that_is_killed_at_a_step_goes_on(house: House, at: int) -> None:
    made = house.make()
    house.erased(WHOLE)
    after = lake_digest(house.settings.lake_dir)
    house.lose(house.settings.keyring_path)

    with pytest.raises(Killed):
        house.restore(made, KillAt(at))
    with pytest.raises(NotReady, match=r"a restore into .* was cut"):
        require_no_restore(house.settings)
    assert not house.settings.office_path.exists() or at == 9  # the last place
    done = house.restore(made)

    require_no_restore(house.settings)
    assert not (house.settings.state_dir / "_restored").exists()
    house.open()
    assert done.trued.erased == ROWS_EACH
    assert lake_digest(house.settings.lake_dir) == after
    assert house.located(ANA) == 0
    assert house.count("links", ANA) == 0
    assert house.count("links", BEN) == 1


def test_a_cut_restore_is_not_gone_on_with_from_another_backup(house: House) -> None:
    made = house.make()
    house.now_ms += HOUR_MS
    other = house.make()
    house.lose()
    with pytest.raises(Killed):
        house.restore(made, KillAt(6))
    with pytest.raises(Refusal, match=f"a restore of {made.data.name} was cut"):
        house.restore(other)
    assert isinstance(house.restore(made).trued, Trued)
    house.open()


def _destroy_one(house: House) -> tuple[str, str, str]:
    """Destroy a key of which no row is left, as the office's process does."""
    name = next(one for one in sorted(_keyring(house).states()) if one[0] == "research")
    _keyring(house).destroy([name])
    return name


def _keyring(house: House) -> Keyring:
    found = house.office.keyring
    assert isinstance(found, Keyring)
    return found


def _write(folder: Path, said: manifests.Manifest) -> None:
    """A manifest as its maker would write it."""
    content = msgspec.json.encode(said)
    (folder / manifests.NAME).write_bytes(content)
    (folder / manifests.DIGEST_NAME).write_text(hashlib.sha256(content).hexdigest())


def _evidence(house: House, name: str, ends_ms: int) -> None:
    """A row of evidence of a consent that left."""
    file = OfficersFile.made(house.settings.consent_evidence_path)
    days = ("2026-11-01", "2026-11-20")
    row = EvidenceRow(name, "sharing", "third_party", None, "sharing@1", *days, ends_ms, "opening")
    file.stage([Leaving(f"consent-of-{name}", row)])
    file.settle([f"consent-of-{name}"])
    file.scrub_if_needed()


def _numbers(house: House) -> list[str]:
    return [one.number for one in OfficersFile(house.settings.consent_evidence_path).rows(0)]


def test_evidence_of_consents_that_was_lost_comes_back_without_what_has_ended(
    house: House,
) -> None:
    _evidence(house, "stays", house.now_ms + 30 * DAY_MS)
    _evidence(house, "ended", house.now_ms + DAY_MS)
    made = house.make()
    assert "consent_evidence.sqlite" in {one.path for one in made.data.files}
    house.now_ms += 2 * DAY_MS
    house.lose(house.settings.consent_evidence_path)

    house.restore(made)

    assert _numbers(house) == ["stays"]
    assert b"ended" not in house.settings.consent_evidence_path.read_bytes().replace(
        b"ended_day", b""
    )
    assert house.settings.consent_evidence_path.stat().st_mode & 0o077 == 0
    house.open()


def test_evidence_of_consents_that_is_there_stays_and_is_no_copys(house: House) -> None:
    _evidence(house, "older", house.now_ms + 30 * DAY_MS)
    made = house.make()
    _evidence(house, "newer", house.now_ms + 30 * DAY_MS)
    house.lose()

    house.restore(made)

    assert _numbers(house) == ["newer", "older"]
    assert not house.settings.restoring_dir.exists()
    house.open()


def test_who_was_forgotten_leaves_their_evidence_once_whatever_is_restored(house: House) -> None:
    """The office knew the consent in the backup; its evidence was made since."""
    saying = ConsentMoves(house.office.database, OfficersFile(house.settings.consent_evidence_path))
    house.office.plans = [SAYS]
    house.office.now_ms = house.now_ms
    asked = house.do(house.office.ask(WHOLE))
    made = house.make()
    progress = Progress(
        house.office.database, house.office.keyring, SIGNING.sign, HORIZONS, moves=saying
    )
    house.office.progress = progress
    house.do(house.office.run(asked.erasure))
    house.now_ms = house.office.now_ms
    (number,) = _numbers(house)
    house.publish()
    house.lose()

    house.restore(made)

    house.open()
    house.office.plans = [SAYS]
    again = ConsentMoves(house.office.database, OfficersFile(house.settings.consent_evidence_path))
    house.office.progress = Progress(
        house.office.database, house.office.keyring, SIGNING.sign, HORIZONS, moves=again
    )
    house.do(house.office.run(asked.erasure))
    assert house.count("consents", ANA) == 0
    assert _numbers(house) == [number]
