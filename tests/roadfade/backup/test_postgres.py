"""A backup holds rows of PostgreSQL, and a restore makes them true before anybody may read them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

import msgspec
from pydantic import SecretStr

from office.registry.erasure_requests import NewErasure
from roadfade import copied_stores
from roadfade.backup import schemas
from roadfade.backup.drill import drill
from roadfade.backup.drill_folder import FOLDER, IN_POSTGRES, remove_left
from roadfade.backup.kept import backups, newest_whole
from roadfade.backup.manifest import wrong_in
from roadfade.backup.source import Source
from roadfade.backup.steps import Step
from roadfade.commands.backup import _rows_in
from roadfade.copied_stores import postgres_beside
from roadfade.ledger_file import LedgerFile
from roadfade.local.postgres import LocalPostgres
from roadfade.processes.starting import require_no_restore
from roadfade.processes.sweep.backups import end_backups
from roadfade.refusal import NotReady, Refusal
from sinks.postgres.connection import Database, DatabaseFailedError
from sinks.postgres.restoring import RestoredPostgres
from telemetry.instants import DAY_MS, HOUR_MS
from tests.office.erasure.conftest import ANA, BEN
from tests.roadfade.backup.house import OUTPUT, ROWS_EACH, TABLES, House, KillAt, Killed, quiet
from tests.roadfade.backup.postgres_house import PostgresHouse
from tests.roadfade.backup.test_restoring import _write
from tests.sinks.postgres.conftest import database, postgres
from tests.sinks.postgres.stores import done
from tests.sinks.postgres.test_deletion import files_with

__all__ = ["database", "postgres"]
WHOLE = NewErasure("erase", ANA, "asked")
STEPS = [
    Step.COPIED, Step.REMEMBERED, Step.AMENDED, Step.PUT_BACK, Step.ERASED, Step.EXPIRED,
    Step.READY,
]  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, database: Database) -> Iterator[PostgresHouse]:
    made = PostgresHouse(tmp_path, database)
    made.furnish()
    yield made
    made.end()


def test_a_person_who_was_erased_since_is_not_there_again_and_nobody_else_lacks_anything(
    house: PostgresHouse, postgres: LocalPostgres
) -> None:
    made = house.make()
    assert house.located(ANA) == house.located(BEN) == ROWS_EACH
    house.erased(WHOLE)
    bens, after = house.rows_of(BEN), house.content()
    house.lose()
    assert not house.is_there()

    restored = house.restore(made)

    house.open()
    assert house.located(ANA) == 0
    assert house.rows_of(BEN) == bens
    assert house.content() == after
    assert [house.count(table, ANA) for table in TABLES] == [0] * len(TABLES)
    assert house.beside() == []
    found = restored.trued
    assert (found.erased, found.rows, found.left) == (ROWS_EACH, ROWS_EACH, 0)
    assert (found.store, found.compared) == ("postgres", 2)
    assert LedgerFile(house.settings.ledger_path).expired() == {OUTPUT: ROWS_EACH}
    for one in house.pseudonyms[ANA]:
        assert files_with(postgres.data, one.encode()) == []


def test_a_backup_says_that_it_holds_them(house: PostgresHouse) -> None:
    made = house.make()
    assert made.data.schemas["postgres"] == copied_stores.postgres_version()
    assert made.data.counts["postgres_rows"] == 2 * ROWS_EACH
    assert not [one for one in made.data.files if one.path.startswith("lake")]
    assert _rows_in(made.data) == "16 rows of the store in PostgreSQL"
    (found,) = backups(house.places)
    assert wrong_in(found.data, made.data, quiet) == []


def test_its_files_are_for_their_owner_alone_and_name_no_person(house: PostgresHouse) -> None:
    made = house.make()
    folder = house.places.data / made.data.name / "postgres"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        assert str(ANA).encode() not in path.read_bytes()


def test_who_asked_since_and_was_not_commanded_yet_is_erased(house: PostgresHouse) -> None:
    made = house.make()
    house.now_ms += HOUR_MS
    house.office.now_ms = house.now_ms
    house.do(house.office.ask(WHOLE))
    house.publish()
    house.lose()

    house.restore(made)

    house.open()
    assert (house.located(ANA), house.located(BEN)) == (0, ROWS_EACH)


def test_what_ended_meanwhile_is_not_there_again(house: PostgresHouse) -> None:
    made = house.make()
    house.lose()
    house.now_ms += 12 * DAY_MS

    restored = house.restore(made)

    house.open()
    assert (restored.trued.expired, restored.trued.rows) == (ROWS_EACH, ROWS_EACH)
    assert len(house.content()) == 1


def test_topics_that_are_read_again_double_nothing_and_revive_nobody(house: PostgresHouse) -> None:
    made = house.make()
    later = house.records(8)
    house.write(later)
    house.erased(WHOLE)
    before = house.content()
    house.lose()

    house.restore(made)

    house.open()
    house.office.topics.records.clear()
    house.do(house.office.outbox.republish_all())
    house.publish()
    again = house.write([*house.records(0), *later])
    assert (again.replayed, again.refused, again.rows) == (8, 4, ROWS_EACH)
    assert (house.located(ANA), house.content()) == (0, before)


def test_a_restore_has_these_steps(house: PostgresHouse) -> None:
    made = house.make()
    house.lose()
    hook = KillAt()
    house.restore(made, hook)
    # Ledger, rows and office: memory and keyring of today stay.
    assert hook.passed == [*STEPS, *[Step.MOVED] * 3]
    house.open()


@pytest.mark.parametrize("at", range(STEPS.index(Step.AMENDED), 10))
def test_a_restore_that_is_killed_at_a_step_goes_on(house: PostgresHouse, at: int) -> None:
    made = house.make()
    house.erased(WHOLE)
    after = house.content()
    house.lose()

    with pytest.raises(Killed):
        house.restore(made, KillAt(at))
    with pytest.raises(NotReady, match=r"a restore into .* was cut"):
        require_no_restore(house.settings)
    in_place = at >= len(STEPS) + 1
    assert house.is_there() == in_place
    if in_place:
        assert house.located(ANA) == 0
    restored = house.restore(made)

    require_no_restore(house.settings)
    house.open()
    assert restored.trued.erased == ROWS_EACH
    assert house.content() == after
    assert house.located(ANA) == 0
    assert house.beside() == []


@pytest.mark.parametrize("at", [0, 1])
def test_a_backup_that_was_cut_is_none(house: PostgresHouse, at: int) -> None:
    with pytest.raises(Killed):
        house.make(KillAt(at))
    assert backups(house.places) == []
    house.now_ms += HOUR_MS
    made = house.make()
    assert newest_whole(house.places).name == made.data.name


def test_rows_that_are_there_are_not_replaced(house: PostgresHouse) -> None:
    made = house.make()
    before = house.content()
    House.lose(house)
    with pytest.raises(Refusal, match=r"the schema .* holds rows, .* would be replaced"):
        house.restore(made)
    assert house.content() == before
    require_no_restore(house.settings)
    house.open()


def test_rows_that_are_there_are_no_less_looked_at_for_a_backup_without_any(
    house: PostgresHouse,
) -> None:
    done(house.database, f"DROP SCHEMA {house.database.schema} CASCADE")
    made = house.make()
    house.write(house.records(8))
    before = house.content()
    House.lose(house)
    with pytest.raises(Refusal, match=r"the schema .* holds rows, .* would be replaced"):
        house.restore(made)
    assert house.content() == before
    require_no_restore(house.settings)
    house.lose()
    house.restore(made)
    assert not house.is_there()
    house.open()


def test_rows_that_came_meanwhile_are_not_replaced_and_the_restore_goes_on_without_them(
    house: PostgresHouse,
) -> None:
    made = house.make()
    house.lose()
    with pytest.raises(Killed):
        house.restore(made, KillAt(STEPS.index(Step.READY)))
    house.write(house.records(0))
    with pytest.raises(Refusal, match="would be replaced"):
        house.restore(made)
    assert not house.settings.office_path.exists()
    done(house.database, f"DROP SCHEMA {house.database.schema} CASCADE")
    assert house.restore(made).went_on
    house.open()
    assert house.located(ANA) == ROWS_EACH


def test_a_restore_that_fails_leaves_nothing(
    house: PostgresHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = house.make()
    house.lose()

    def fail(_self: RestoredPostgres) -> None:
        msg = "PostgreSQL cannot be reached, or ended the connection"
        raise DatabaseFailedError(msg)

    monkeypatch.setattr(RestoredPostgres, "store", fail)
    with pytest.raises(Refusal, match="cannot be reached"):
        house.restore(made)
    assert (house.beside(), house.settings.restoring_dir.exists()) == ([], False)
    # If that cannot be removed, either, no process starts, and the next restore begins anew.
    calls = iter([RestoredPostgres.drop, fail])

    def drop(self: RestoredPostgres) -> None:
        next(calls)(self)

    monkeypatch.setattr(RestoredPostgres, "drop", drop)
    with pytest.raises(Refusal, match="cannot be reached"):
        house.restore(made)
    assert len(house.beside()) == 1
    with pytest.raises(NotReady, match="was cut"):
        require_no_restore(house.settings)
    monkeypatch.undo()
    house.restore(made)
    house.open()
    assert house.located(BEN) == ROWS_EACH


def test_what_is_of_one_kind_of_store_is_not_put_into_another(
    house: PostgresHouse, tmp_path: Path
) -> None:
    made = house.make()
    house.lose()
    house.settings, mine = house.settings.model_copy(update={"store": "lake"}), house.settings
    with pytest.raises(Refusal, match="set ROADFADE_STORE and ROADFADE_POSTGRES_DSN"):
        house.restore(made)
    house.open()
    other = House(tmp_path / "other")
    other.furnish()
    with_lake = other.make()
    other.lose()
    other.settings = mine.model_copy(update={"state_dir": other.settings.state_dir})
    with pytest.raises(Refusal, match="ROADFADE_STORE=lake"):
        other.restore(with_lake)
    other.open()
    other.end()


def test_a_flipped_byte_is_found_in_whatever_file_it_is(house: PostgresHouse) -> None:
    made = house.make()
    house.lose()
    files = [one.path for one in made.data.files if one.path.startswith("postgres/")]
    assert len(files) == 4
    for name in files:
        path = house.places.data / made.data.name / name
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(Refusal, match="is not what was copied there"):
            house.restore(made)
        path.write_bytes(whole)
    (house.places.data / made.data.name / files[0]).unlink()
    with pytest.raises(Refusal, match="is not what was copied there"):
        house.restore(made)
    assert (house.is_there(), house.beside()) == (False, [])
    house.open()


def test_a_newer_schema_is_refused(house: PostgresHouse) -> None:
    made = house.make()
    folder = house.places.data / made.data.name
    newer = msgspec.structs.replace(
        made.data, schemas={**made.data.schemas, schemas.POSTGRES: 1_000}
    )
    _write(folder, newer)
    with pytest.raises(Refusal, match="postgres of this backup has schema 1000"):
        Source.of(folder, house.places.keys / made.keys.name, house.now_ms)


def test_if_the_memory_is_lost_no_row_is_put_back(house: PostgresHouse) -> None:
    made = house.make()
    house.lose(house.settings.suppressions_path)
    restored = house.restore(made, lost=True)
    house.open()
    assert (house.is_there(), house.beside()) == (False, [])
    assert (restored.trued.store, restored.trued.rows) == (None, 0)


def test_nor_is_what_a_killed_restore_had_put_back_left_there_then(house: PostgresHouse) -> None:
    made = house.make()
    house.lose()
    with pytest.raises(Killed):
        house.restore(made, KillAt(STEPS.index(Step.PUT_BACK)))
    assert len(house.beside()) == 1
    house.settings.suppressions_path.unlink()
    house.restore(made, lost=True)
    house.open()
    assert (house.is_there(), house.beside()) == (False, [])


def test_a_database_that_does_not_answer_leaves_no_half_a_backup(house: PostgresHouse) -> None:
    nowhere = SecretStr("postgresql://127.0.0.1:1/none")
    house.settings = house.settings.model_copy(update={"postgres_dsn": nowhere})
    with pytest.raises(Refusal, match="PostgreSQL cannot be reached"):
        house.make()
    assert backups(house.places) == []


def test_an_installation_whose_sink_never_started_has_no_rows_to_copy(house: PostgresHouse) -> None:
    done(house.database, f"DROP SCHEMA {house.database.schema} CASCADE")
    made = house.make()
    assert "postgres" not in made.data.schemas
    assert _rows_in(made.data) == "no rows"


def test_a_drill_finds_a_backup_good_and_leaves_nothing(house: PostgresHouse) -> None:
    house.make()
    house.erased(WHOLE)
    before = house.content()

    found = drill(house.settings, newest_whole(house.places), lambda: house.now_ms, quiet)

    assert found.holds
    assert (found.trued.erased, found.trued.rows, found.trued.compared) == (
        ROWS_EACH, ROWS_EACH, 2,
    )  # fmt: skip
    assert house.beside() == []
    assert house.content() == before
    assert not (house.settings.state_dir / FOLDER).exists()


def test_a_drill_that_fails_leaves_nothing(
    house: PostgresHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.make()

    def fail(_self: RestoredPostgres) -> None:
        assert len(house.beside()) == 1
        msg = "PostgreSQL cannot be reached, or ended the connection"
        raise DatabaseFailedError(msg)

    monkeypatch.setattr(RestoredPostgres, "store", fail)
    with pytest.raises(Refusal, match="cannot be reached"):
        drill(house.settings, newest_whole(house.places), lambda: house.now_ms, quiet)
    assert house.beside() == []
    assert not (house.settings.state_dir / FOLDER).exists()


def test_what_a_killed_drill_left_goes_with_the_next_sweep(house: PostgresHouse) -> None:
    made = house.make()
    left = house.settings.state_dir / FOLDER
    (left / "copy").mkdir(parents=True)
    (left / IN_POSTGRES).touch()
    folder = house.places.data / made.data.name / "postgres"
    postgres_beside(house.settings, drill=True).put_back(folder, "token", quiet)
    assert len(house.beside()) == 1
    # As a process starts that reaches no store.
    assert not remove_left(house.settings.state_dir)
    assert [one.name for one in left.iterdir()] == [IN_POSTGRES]
    end_backups(house.settings, house.now_ms)
    assert house.beside() == []
    assert not left.exists()
