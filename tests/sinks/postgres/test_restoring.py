"""A store is copied as of one moment, and put back beside its place, which it takes at once."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

import msgspec

from roadfade.local.postgres import LocalPostgres
from sinks.port.sink import StoreTakenError, StoreUnusableError
from sinks.postgres import copying
from sinks.postgres.connection import Database
from sinks.postgres.copied import DESCRIPTION, CopyDamagedError, described
from sinks.postgres.copying import copy_postgres
from sinks.postgres.names import role_of
from sinks.postgres.restoring import RESTORING, PlaceTakenError, RestoredPostgres
from sinks.postgres.sink import PostgresSink
from sinks.postgres.steps import Step
from telemetry.instants import DAY_MS
from tests.sinks.postgres.killed_restore import TOKEN
from tests.sinks.postgres.stores import asked, done, dropped, open_sink, quiet, sink_in
from tests.sinks.postgres.test_deletion import files_with
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, SPEED, A, B, record, whose
from tests.sinks.restating import FixedEnds
from tests.sinks.restoring import rows

SOON_MS = EXPIRES_MS - 20 * DAY_MS
BATCH = [
    record(0, pseudonym="GONE", expires_ms=SOON_MS),
    record(1, pseudonym="STAYS", expires_ms=SOON_MS),
    record(2, pseudonym="GONE"),
    record(3, pseudonym="STAYS"),
    record(0, B, pseudonym="STAYS"),
]
PEOPLE = whose("GONE", "STAYS")


@pytest.fixture
def place(database: Database) -> Iterator[Database]:
    """Where a store is put back to."""
    with dropped(database.dsn, f"{database.schema}_place") as made:
        yield made


@pytest.fixture
def sink(database: Database) -> Iterator[PostgresSink]:
    """A living one, with rows of two people in two partitions of one output, and in another."""
    with sink_in(database) as made:
        made.write(BATCH, NOW_MS)
        yield made


def once(work: Callable[[], object]) -> Callable[[Step], None]:
    """A hook that does something at its first step."""
    waiting = [work]

    def hook(_step: Step) -> None:
        if waiting:
            waiting.pop()()

    return hook


def moved(database: Database, place: Database, folder: Path) -> RestoredPostgres:
    """A copy that was put back, beside its place yet."""
    copy_postgres(database, folder, NOW_MS, quiet)
    restored = RestoredPostgres(place, RESTORING)
    restored.put_back(folder, TOKEN, quiet)
    return restored


def schemas_beside(database: Database) -> list[tuple[str]]:
    return asked(
        database,
        "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(restoring|drill)_' ORDER BY 1",
    )


def test_a_copy_beside_a_busy_sink_has_as_many_rows_as_its_positions_say(
    database: Database, tmp_path: Path
) -> None:
    written, stop = threading.Event(), threading.Event()
    with sink_in(database) as sink:

        def work() -> None:
            for offset in range(400):
                ends = EXPIRES_MS + offset % 3 * DAY_MS
                sink.write([record(offset, expires_ms=ends)], NOW_MS)
                if offset == 5:
                    written.set()
                if stop.is_set():
                    return

        writer = threading.Thread(target=work)
        writer.start()
        try:
            assert written.wait(30)
            for number in range(3):
                folder = tmp_path / str(number)
                copied = copy_postgres(database, folder, NOW_MS, quiet)
                (at,) = described(folder).places
                assert at.next_offset * 2 == copied.rows > 0
        finally:
            stop.set()
            writer.join()


def test_what_is_erased_or_moved_meanwhile_is_copied_as_of_another_moment(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path
) -> None:
    for number, work in enumerate(
        (
            lambda: sink.erase(OUTPUT_A, whose("GONE"), NOW_MS),
            lambda: sink.restate(FixedEnds({SPEED: EXPIRES_MS + DAY_MS}), NOW_MS),
            lambda: sink.expire(EXPIRES_MS),
        )
    ):
        folder = tmp_path / str(number)
        copy_postgres(database, folder, NOW_MS, quiet, once(work))
        restored = RestoredPostgres(place, RESTORING)
        assert restored.put_back(folder, TOKEN, quiet) == len(described(folder).parts) > 0
        assert rows(restored.store()) == rows(sink)  # type: ignore[arg-type]  # it is asked alone
        restored.drop()


@pytest.mark.parametrize("gone", ["GONE", "LATE"])
def test_what_changed_since_it_was_copied_is_copied_again(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path, gone: str
) -> None:
    """Of the first partition as many rows come as go, or rows come and its tables stay."""
    sink.write([record(4, pseudonym="LATE")], NOW_MS)

    def work() -> None:
        sink.erase(OUTPUT_A, whose(gone), NOW_MS)
        sink.write([record(5, pseudonym="STAYS", expires_ms=SOON_MS)], NOW_MS)

    copy_postgres(database, tmp_path / "copy", NOW_MS, quiet, once(work))
    restored = RestoredPostgres(place, RESTORING)
    restored.put_back(tmp_path / "copy", TOKEN, quiet)
    assert rows(restored.store()) == rows(sink)  # type: ignore[arg-type]  # it is asked alone
    restored.drop()


def test_a_copy_holds_up_no_sweep_of_what_it_has_copied(
    database: Database, sink: PostgresSink, tmp_path: Path
) -> None:
    swept = []
    copy_postgres(
        database, tmp_path / "copy", NOW_MS, quiet, once(lambda: swept.append(sink.expire(SOON_MS)))
    )
    assert [(one.rows, one.left) for one in swept] == [(4, ())]
    assert SOON_MS in {part.expires_ms for part in described(tmp_path / "copy").parts}


def test_what_is_due_is_not_copied(database: Database, sink: PostgresSink, tmp_path: Path) -> None:
    copied = copy_postgres(database, tmp_path / "copy", SOON_MS, quiet)
    assert (copied.parts, copied.rows) == (2, 6)
    assert SOON_MS not in {part.expires_ms for part in described(tmp_path / "copy").parts}
    del sink


def test_a_store_that_changes_all_the_time_is_not_copied_by_halves(
    database: Database, sink: PostgresSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "LOOKS_MAX", 3)
    ends = iter(range(1, 9))

    def move(_step: Step) -> None:
        sink.restate(FixedEnds({SPEED: EXPIRES_MS + next(ends) * DAY_MS}), NOW_MS)

    with pytest.raises(StoreTakenError, match="try again later"):
        copy_postgres(database, tmp_path / "copy", NOW_MS, quiet, move)
    assert not (tmp_path / "copy" / DESCRIPTION).exists()


def test_nobody_may_read_before_it_has_its_place_and_readers_may_then(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path
) -> None:
    restored = moved(database, place, tmp_path / "copy")
    outputs = sink.outputs()
    granted = "SELECT count(*) FROM information_schema.role_table_grants WHERE table_schema = %s"
    may = "SELECT has_schema_privilege(%s, %s, 'USAGE'), has_table_privilege(%s, %s, 'SELECT')"
    for output in outputs:
        role = role_of(place.schema, output)
        done(database, f'CREATE ROLE "{role}" NOLOGIN')
        beside = restored.beside.schema
        view = f'{beside}."{output}"'
        assert asked(database, may, role, beside, role, view) == [(False, False)]
    everybody = "SELECT nspacl FROM pg_namespace WHERE nspname = %s"
    assert asked(database, everybody, restored.beside.schema) == [(None,)]

    restored.take_place(TOKEN)

    for output in outputs:
        role, view = role_of(place.schema, output), f'{place.schema}."{output}"'
        assert asked(database, may, role, place.schema, role, view) == [(True, True)]
    assert asked(database, granted, place.schema)[0][0] > 0
    assert schemas_beside(database) == []
    with sink_in(place) as copy:
        assert rows(copy) == rows(sink)
        assert copy.strange() == []


def test_its_place_has_to_be_free(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path
) -> None:
    restored = moved(database, place, tmp_path / "copy")
    with sink_in(place) as other:
        restored.require_room()  # a sink has opened it, and wrote nothing
        with pytest.raises(StoreTakenError):
            restored.take_place(TOKEN)
        done(place, "CREATE TABLE of_somebody (value text)")
        with pytest.raises(PlaceTakenError, match="would be replaced"):
            restored.require_room()
        done(place, "DROP TABLE of_somebody")
        other.write(BATCH[:1], NOW_MS)
    for attempt in (restored.require_room, lambda: restored.take_place(TOKEN)):
        with pytest.raises(PlaceTakenError, match="would be replaced"):
            attempt()
    done(place, f"DROP SCHEMA {place.schema} CASCADE")
    restored.take_place(TOKEN)
    restored.take_place(TOKEN)  # done already
    with sink_in(place) as copy:
        assert rows(copy) == rows(sink)


def test_a_store_that_is_in_neither_place_is_not_taken_for_restored(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path
) -> None:
    restored = moved(database, place, tmp_path / "copy")
    restored.drop()
    with pytest.raises(StoreUnusableError, match="restore anew"):
        restored.take_place(TOKEN)
    restored.put_back(tmp_path / "copy", "another", quiet)
    restored.take_place("another")
    with pytest.raises(StoreUnusableError, match="restore anew"):
        restored.take_place(TOKEN)
    del sink


def test_a_schema_of_somebody_else_is_not_removed(database: Database, place: Database) -> None:
    restored = RestoredPostgres(place, RESTORING)
    theirs = restored.beside.schema
    done(database, f"CREATE SCHEMA {theirs}")
    with pytest.raises(PlaceTakenError, match="not of a restore"):
        restored.drop()
    done(database, f"DROP SCHEMA {theirs}")


def test_rows_that_are_not_those_that_were_copied_are_not_put_back(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    copy_postgres(database, folder, NOW_MS, quiet)
    said = described(folder)
    one, other = said.parts[0], said.parts[-1]
    assert [part.rows for part in (one, other)] == [4, 2]
    twice = msgspec.structs.replace(one, content=other.content)
    changed = msgspec.structs.replace(said, parts=[twice, *said.parts[1:]])
    (folder / DESCRIPTION).write_bytes(msgspec.json.encode(changed))
    with pytest.raises(CopyDamagedError, match="does not hold what was copied"):
        RestoredPostgres(place, RESTORING).put_back(folder, TOKEN, quiet)
    (folder / DESCRIPTION).write_bytes(b"{}")
    with pytest.raises(CopyDamagedError, match="does not say what it is"):
        RestoredPostgres(place, RESTORING).put_back(folder, TOKEN, quiet)
    RestoredPostgres(place, RESTORING).drop()
    del sink


def test_what_was_dropped_beside_its_place_is_in_no_file(
    database: Database, place: Database, postgres: LocalPostgres, tmp_path: Path
) -> None:
    with sink_in(database) as sink:
        sink.write([record(0, pseudonym="RESTORED-4711")], NOW_MS)
        copy_postgres(database, tmp_path / "copy", NOW_MS, quiet)
        sink.erase(OUTPUT_A, whose("RESTORED-4711"), NOW_MS)
        assert files_with(postgres.data, b"RESTORED-4711") == []
        restored = RestoredPostgres(place, RESTORING)
        restored.put_back(tmp_path / "copy", TOKEN, quiet)
        assert files_with(postgres.data, b"RESTORED-4711") != []
        restored.drop()
        assert files_with(postgres.data, b"RESTORED-4711") == []


@pytest.mark.parametrize("step", [Step.TAKEN, Step.PUT_BACK, Step.RENAMED])
def test_killed_at_a_step_it_is_whole_or_not_there(
    database: Database, place: Database, sink: PostgresSink, tmp_path: Path, step: Step
) -> None:
    folder = tmp_path / "copy"
    module = "tests.sinks.postgres.killed_restore"
    words = [sys.executable, "-m", module, database.schema, place.schema, str(folder), step]
    killed = subprocess.run(words, input=database.dsn, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL

    restored = RestoredPostgres(place, RESTORING)
    restored.require_room()
    assert (folder / DESCRIPTION).exists() == (step is not Step.TAKEN)
    if step is Step.TAKEN:
        shutil.rmtree(folder)
        copy_postgres(database, folder, NOW_MS, quiet)
    if step is not Step.RENAMED:
        restored.put_back(folder, TOKEN, quiet)
    restored.take_place(TOKEN)

    assert schemas_beside(database) == []
    with sink_in(place) as copy:
        assert rows(copy) == rows(sink)
        assert copy.position(A, 0) == 4
        assert copy.write(BATCH, NOW_MS).replayed == len(BATCH)


def test_a_store_of_another_version_is_not_copied(database: Database, tmp_path: Path) -> None:
    open_sink(database).close()
    done(database, "UPDATE _meta SET value = '99' WHERE key = 'version'")
    with pytest.raises(StoreUnusableError, match="of version 99"):
        copy_postgres(database, tmp_path / "copy", NOW_MS, quiet)
