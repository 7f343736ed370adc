"""A lake of format 1, written by the version before, is read as it is and carried over whole.

``lake_of_format_1.zip``: two writes (of P1, P2, P3 and P5 to one topic's two partitions, Q1 to the
other's), and a third (of P9) whose writer was killed before its marker.
"""

import shutil
from pathlib import Path

import pytest

from sinks.lake.check import check
from sinks.lake.columns import COLUMNS
from sinks.lake.digest import Digest, lake_digest
from sinks.lake.format import LakeDamagedError, stored_format
from sinks.lake.positions import stored_places, written_ms
from sinks.lake.stored import StoredLake
from sinks.port.results import Place
from sinks.query.session import run_query
from telemetry.instants import DAY_MS
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake, parts
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, OUTPUTS, SPEED, A, B, record, whose
from tests.sinks.restating import SOONER_MS, FixedEnds

ROWS, HALF_WRITTEN = 13, 2
PLACES = {(A, 0): Place(4, "id-1"), (A, 1): Place(1, "id-1"), (B, 0): Place(1, None)}
COUNT = "SELECT count(*) FROM readings"
STEPS = 11


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.unpack_archive(Path(__file__).with_name("lake_of_format_1.zip"), tmp_path / "lake")
    return tmp_path / "lake"


def migrated(root: Path, hook: KillAt | None = None) -> None:
    open_lake(root, at=hook or KillAt(-1)).close()


def test_whoever_reads_before_a_sink_comes_reads_it(root: Path) -> None:
    store = StoredLake(root)
    assert store.outputs() == sorted(OUTPUTS.values())
    assert stored_places(root) == store.places() == PLACES
    assert written_ms(root) is not None
    found = check(root, NOW_MS)
    assert (found.half_written, found.unproven, found.strange, found.refused) == (1, (), (), None)
    assert sum(store.holdings().readings.values()) == ROWS + HALF_WRITTEN
    assert set(store.oldest_ms()) == set(OUTPUTS.values())
    assert run_query(root, OUTPUTS[B], COUNT, NOW_MS).rows == [(2,)]
    assert store.expire(EXPIRES_MS).rows == ROWS + HALF_WRITTEN - 2
    assert store.expire(EXPIRES_MS + DAY_MS).rows == 2


def test_a_restatement_leaves_what_no_marker_covers(root: Path) -> None:
    done = StoredLake(root, "uncompressed").restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
    assert sum(done.moved.values()) == ROWS - 1, "a trouble code keeps its end, P9 is not kept"


def test_it_is_erased_from_before_and_after(root: Path) -> None:
    store = StoredLake(root, "uncompressed")
    assert store.erase(OUTPUT_A, whose("P2"), NOW_MS).located_before == 2
    migrated(root)
    receipts = [store.erase(OUTPUTS[topic], whose("P1", "Q1"), NOW_MS) for topic in (A, B)]
    assert [(one.located_before, one.located_after) for one in receipts] == [(5, 0), (2, 0)]


def test_its_rows_are_meant_whatever_lane_and_consent_are_named(root: Path) -> None:
    store = StoredLake(root, "uncompressed")
    named = whose("P2")._replace(lanes=frozenset({"fast"}), consents=frozenset({"c1"}))
    assert store.erase(OUTPUT_A, named, NOW_MS).located_before == 2
    within = whose("P1")._replace(consents=frozenset({"c1"}), to_ms=0)
    assert store.locate(OUTPUT_A, within).rows == 0, "their time is known"


def test_it_goes_on_at_its_positions_and_knows_its_ids(root: Path) -> None:
    with lake_at(root) as lake:
        assert lake.places() == PLACES
        known = [record(4, ce_id=f"{A}/0/0"), record(5, ce_id=f"{A}/0/3"), record(6)]
        written = lake.write(known, NOW_MS)
        assert (written.duplicates, written.records) == (2, 1)
    assert stored_format(root).v == 2
    assert not (root / "_offsets").exists()
    assert not (root / "_writing").exists()
    assert check(root, NOW_MS).strange == ()
    assert lake_digest(root).rows == ROWS + 2


def whole(root: Path) -> Digest:
    digest = lake_digest(root)
    assert digest.rows == ROWS
    return digest


def test_its_rows_are_those_of_before(root: Path) -> None:
    before = [row for row in stored_before(root) if row[2] != "P9"]
    migrated(root)
    assert stored_before(root) == before


def stored_before(root: Path) -> list[tuple[object, ...]]:
    import duckdb  # noqa: PLC0415

    rows = duckdb.read_parquet(str(root / "purpose=*/*/*/*.parquet"), hive_partitioning=True)
    return rows.project(", ".join(("purpose", *COLUMNS[:9]))).order("ALL").fetchall()


def test_opening_again_changes_nothing(root: Path) -> None:
    migrated(root)
    digest, listed = whole(root), parts(root)
    migrated(root)
    assert (whole(root), parts(root)) == (digest, listed)
    assert StoredLake(root).places() == PLACES


def test_the_steps_of_a_migration_are_those_that_are_killed(root: Path) -> None:
    hook = KillAt(-1)
    migrated(root, hook)
    assert len(hook.passed) == STEPS


@pytest.mark.parametrize("at", range(STEPS))
def test_a_kill_at_any_step_loses_nothing(root: Path, at: int) -> None:
    with pytest.raises(Killed):
        migrated(root, KillAt(at))
    assert StoredLake(root).places() == PLACES
    assert run_query(root, OUTPUTS[B], COUNT, NOW_MS).rows == [(2,)]
    migrated(root)
    whole(root)
    with lake_at(root) as lake:
        assert lake.places() == PLACES
        assert lake.write([record(4, ce_id=f"{A}/0/0")], NOW_MS).duplicates == 1
    assert not (root / "_offsets").exists()


def test_its_parts_are_merged_with_new_ones(root: Path) -> None:
    with lake_at(root) as lake:
        for offset in range(4, 8):
            lake.write([record(offset, pseudonym="P2")], NOW_MS)
        digest = lake_digest(root)
        while lake.join(NOW_MS):
            pass
        assert lake_digest(root) == digest
    assert sum("part-purpose" in place for place in parts(root)) <= 3
    assert run_query(root, OUTPUTS[A], COUNT, NOW_MS).rows == [(digest.rows - 2,)]


def test_a_lost_marker_is_refused_and_nothing_changes(root: Path) -> None:
    shutil.rmtree(root / "_offsets" / f"{A}-0")
    before = parts(root)
    with pytest.raises(LakeDamagedError, match="roadfade lake check"):
        open_lake(root)
    assert parts(root) == before
    assert not (root / "_checkpoints").exists()
    assert stored_format(root).v == 1
    assert len(check(root, NOW_MS).unproven) == 5


def test_a_killed_migration_is_still_of_format_1(root: Path) -> None:
    hook = KillAt(1)
    with pytest.raises(Killed):
        migrated(root, hook)
    assert stored_format(root).v == 1
    lake = open_lake(root)
    kill(lake)
    assert stored_format(root).v == 2
