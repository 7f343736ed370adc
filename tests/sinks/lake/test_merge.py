"""Merging changes no row, converges, and can be killed at any step."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sinks.lake.check import check
from sinks.lake.checkpoints import numbers_in
from sinks.lake.deletion.restate import Restatement
from sinks.lake.digest import compare, lake_digest
from sinks.lake.lake import LakeSettings
from sinks.lake.layout import bucket_of, partitions, read_part
from sinks.lake.merging import FULL_ROWS, PARTS_MAX, Candidate, to_merge
from sinks.lake.part_file import Appended, read_footer
from sinks.lake.steps import Step
from sinks.lake.stored import StoredLake
from sinks.lake.workplace import ERASING, Workplace
from sinks.query.session import run_query
from telemetry.instants import DAY_MS
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake, parts
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, OUTPUTS, SPEED, A, B, record, whose
from tests.sinks.restating import SOONER_MS, FixedEnds

WRITES = PARTS_MAX + 1
WHO = [f"PERSON-{number}" for number in range(8)]
STEPS = 11


def fill(root: Path, writes: int = WRITES, first: int = 0) -> Path:
    """So many writes to two outputs, of two expiries and eight people."""
    with lake_at(root) as lake:
        for write in range(first, first + writes):
            begin = write * len(WHO)
            ours = [record(begin + n, pseudonym=who, dtc=["P0301"]) for n, who in enumerate(WHO)]
            later = record(write, B, pseudonym=WHO[write % 8], expires_ms=EXPIRES_MS + DAY_MS)
            lake.write([*ours, later], NOW_MS)
    return root


def join(root: Path, hook: KillAt | None = None) -> int:
    """Open the lake and merge all there is; the hook hears of the merging alone."""
    passive = hook or KillAt(-1)
    at, passive.at = passive.at, -1
    lake = open_lake(root, at=passive)
    passive.passed.clear()
    passive.at = at
    merged = 0
    try:
        while done := lake.join(NOW_MS):
            merged += done
    except Killed:
        kill(lake)
        raise
    lake.close()
    return merged


def test_it_changes_no_row_and_splits_by_bucket(tmp_path: Path) -> None:
    before = lake_digest(fill(tmp_path))
    assert join(tmp_path) == 2 * WRITES
    assert lake_digest(tmp_path) == before
    assert {Path(place).parts[2] for place in parts(tmp_path)} == {"bucket=00", "bucket=01"}
    assert len(parts(tmp_path)) <= 2 + 2
    assert check(tmp_path, NOW_MS).strange == ()
    with lake_at(tmp_path) as lake:
        assert lake.position(A, 0) == WRITES * len(WHO)
        assert lake.write([record(500, ce_id=f"{A}/0/0")], NOW_MS).duplicates == 1


def test_every_row_lies_in_its_bucket(tmp_path: Path) -> None:
    join(fill(tmp_path))
    for place in parts(tmp_path):
        rows = people_in(tmp_path / place)
        assert {f"bucket={bucket_of(who, 2):02d}" for who in rows} == {Path(place).parts[2]}


def test_no_part_holds_a_name_that_none_of_its_rows_has(tmp_path: Path) -> None:
    join(one_output(tmp_path))
    for place in parts(tmp_path):
        content = (tmp_path / place).read_bytes()
        named = {who for who in WHO if who.encode() in content}
        assert named == people_in(tmp_path / place)


def people_in(path: Path) -> set[str]:
    """Whose rows are in a part."""
    with duckdb.connect() as engine:
        rows = engine.execute("SELECT pseudonym FROM read_parquet($1)", [str(path)]).fetchall()
    return {who for (who,) in rows}


def test_copies_that_are_not_published_do_not_stay(tmp_path: Path) -> None:
    lake = open_lake(fill(tmp_path))
    lake._merger.merge(list(partitions(tmp_path)), NOW_MS, lambda _new, _old: None)
    assert list(tmp_path.rglob("merged-*")) == []
    lake.close()


def test_a_source_is_opened_for_its_footer_and_once_more_to_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {tmp_path / place for place in parts(one_output(tmp_path))}
    opened = Counter[Path]()
    whole, footer = Path.open, pq.ParquetFile.__init__

    def counted_open(self: Path, *args: Any, **kwargs: Any) -> Any:
        opened[self] += 1
        return whole(self, *args, **kwargs)

    def counted_footer(self: Any, source: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(source, Path):
            opened[source] += 1
        footer(self, source, *args, **kwargs)

    monkeypatch.setattr(Path, "open", counted_open)
    monkeypatch.setattr(pq.ParquetFile, "__init__", counted_footer)
    assert join(tmp_path) == WRITES
    assert {path: opened[path] for path in sources} == dict.fromkeys(sources, 2)


def test_few_fresh_parts_are_left_as_they_are(tmp_path: Path) -> None:
    fill(tmp_path, PARTS_MAX)
    assert join(tmp_path) == 0


def test_many_writes_leave_few_parts_in_each_bucket(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        for write in range(60):
            ours = [record(write * 8 + n, pseudonym=who) for n, who in enumerate(WHO)]
            lake.write(ours, NOW_MS)
            lake.join(NOW_MS)
        found = Counter(str(Path(place).parent) for place in parts(tmp_path))
        assert max(found.values()) <= PARTS_MAX
        assert len(found) == 2
    assert lake_digest(tmp_path).rows == 60 * 8 * 2


def test_the_steps_of_a_merge_are_those_that_are_killed(tmp_path: Path) -> None:
    hook = KillAt(-1)
    join(one_output(tmp_path), hook)
    assert {Step.MERGED, Step.OLD_PART_REMOVED, Step.RECORD_DURABLE} <= set(hook.passed)
    assert len(hook.passed) == STEPS + WRITES


def one_output(root: Path) -> Path:
    with lake_at(root) as lake:
        for write in range(WRITES):
            ours = [record(write * 8 + n, pseudonym=who) for n, who in enumerate(WHO)]
            lake.write(ours, NOW_MS)
    return root


@pytest.fixture(scope="module")
def unmerged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return one_output(tmp_path_factory.mktemp("unmerged"))


@pytest.mark.parametrize("at", range(STEPS + WRITES))
def test_a_kill_at_any_step_loses_and_doubles_no_row_for_anybody(
    tmp_path: Path, unmerged: Path, at: int
) -> None:
    root = shutil.copytree(unmerged, tmp_path / "lake")
    rows = WRITES * 8 * 2
    with pytest.raises(Killed):
        join(root, KillAt(at))
    # Whoever reads before another sink comes.
    asked = run_query(root, OUTPUTS[A], "SELECT count(*) FROM readings", NOW_MS)
    assert asked.rows == [(rows,)]
    assert StoredLake(root).holdings().readings == {OUTPUTS[A]: rows}
    assert compare(unmerged, root).equal
    swept = StoredLake(Path(shutil.copytree(root, tmp_path / "swept"))).expire(EXPIRES_MS)
    assert (swept.rows, parts(tmp_path / "swept")) == (rows, [])
    join(root)
    assert compare(unmerged, root).equal
    assert list((root / "_staged").iterdir()) == list((root / "_tmp").iterdir()) == []


@pytest.mark.parametrize("at", range(0, STEPS + WRITES, 3))
def test_an_erasure_after_a_kill_erases(tmp_path: Path, unmerged: Path, at: int) -> None:
    root = shutil.copytree(unmerged, tmp_path / "lake")
    with pytest.raises(Killed):
        join(root, KillAt(at))
    receipt = StoredLake(root, "uncompressed").erase(OUTPUT_A, whose("PERSON-3"), NOW_MS)
    assert (receipt.located_before, receipt.located_after) == (WRITES * 2, 0)
    join(root)
    with lake_at(root) as lake:
        assert not lake.verify(b"PERSON-3").found
        assert lake_digest(root).rows == WRITES * 7 * 2


def test_it_waits_for_an_erasure(tmp_path: Path) -> None:
    with lake_at(fill(tmp_path)) as lake:
        with Workplace(tmp_path, ERASING):
            assert lake.join(NOW_MS) == 0
        assert lake.join(NOW_MS)


def test_an_erasure_of_merged_parts_rewrites_its_bucket_alone(tmp_path: Path) -> None:
    join(one_output(tmp_path))
    before = {part: (tmp_path / part).stat().st_ino for part in parts(tmp_path)}
    StoredLake(tmp_path, "uncompressed").erase(OUTPUT_A, whose("PERSON-0"), NOW_MS)
    changed = [p for p in parts(tmp_path) if (tmp_path / p).stat().st_ino != before[p]]
    assert [Path(p).parts[2] for p in changed] == [f"bucket={bucket_of('PERSON-0', 2):02d}"]


def test_after_a_change_of_buckets_old_and_new_parts_are_erased_from(tmp_path: Path) -> None:
    join(one_output(tmp_path))
    more = LakeSettings(buckets=256, compression="uncompressed")
    with lake_at(tmp_path, more) as lake:
        for write in range(WRITES):
            ours = [record(900 + write * 8 + n, pseudonym=who) for n, who in enumerate(WHO)]
            lake.write(ours, NOW_MS)
        lake.join(NOW_MS)
        assert len(list(tmp_path.glob("purpose=*/*/bucket=*"))) > 6
        for who in WHO:
            receipt = lake.erase(OUTPUT_A, whose(who), NOW_MS)
            assert (receipt.located_before, receipt.located_after) == (WRITES * 4, 0)
    assert parts(tmp_path) == []


def test_what_a_version_gave_another_end_is_merged_apart_and_stays_known(tmp_path: Path) -> None:
    ends = FixedEnds({SPEED: SOONER_MS})
    fill(tmp_path)
    Restatement(tmp_path, "uncompressed").run(ends, NOW_MS)
    digest = lake_digest(tmp_path)
    join(tmp_path)
    assert lake_digest(tmp_path) == digest
    decided = {part.decided_by for p in parts(tmp_path) if (part := read_part(Path(p).name))}
    assert decided == {0, 2}
    again = FixedEnds(policy_version="3-0123456789ab")
    Restatement(tmp_path, "uncompressed").run(again, NOW_MS)
    assert {kept.decided_by for kept in again.asked if kept.signal == SPEED} == {2}


def test_an_altered_part_is_left_and_the_others_are_merged(tmp_path: Path) -> None:
    one_output(tmp_path)
    path = tmp_path / parts(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[content.index(b"km/h")] ^= 1
    path.write_bytes(content)
    join(tmp_path)
    assert path.exists()
    assert len(check(tmp_path, NOW_MS).strange) == 1


def test_what_is_about_to_end_is_left_to_the_sweep(tmp_path: Path) -> None:
    one_output(tmp_path)
    with lake_at(tmp_path) as lake:
        assert lake.join(EXPIRES_MS - 1) == 0


def test_a_merged_part_says_when_its_records_came(tmp_path: Path) -> None:
    join(one_output(tmp_path))
    for place in parts(tmp_path):
        footer = read_footer(tmp_path / place)
        assert footer is not None and footer.appended == Appended(NOW_MS - 1_000, NOW_MS - 1_000)


def test_merging_makes_the_checkpoints_no_longer(tmp_path: Path) -> None:
    join(fill(tmp_path))
    assert len(numbers_in(tmp_path)) == 1 + WRITES + 2


def candidate(bucket: int | None, rows: int, nth: int = 0) -> Candidate:
    return Candidate(Path(f"{bucket}-{rows}-{nth}"), bucket, rows)


def test_a_full_part_is_never_copied_again() -> None:
    fresh = [candidate(None, 10, n) for n in range(4)]
    full = [candidate(0, FULL_ROWS, n) for n in range(5)]
    assert to_merge([*fresh, *full], 1) == fresh


def test_smaller_parts_are_merged_with_what_comes_and_larger_ones_wait() -> None:
    fresh = [candidate(None, 100, n) for n in range(4)]
    small, large = candidate(0, 50), candidate(0, 5_000)
    assert to_merge([*fresh, small, large], 2) == [*fresh, small]


def test_an_hour_of_writes_copies_a_row_a_few_times() -> None:
    parts: list[Candidate] = []
    copied = 0
    for write in range(720):  # one each five seconds
        parts.append(candidate(None, 1_000, write))
        chosen = to_merge(parts, 1)
        if chosen:
            rows = sum(one.rows for one in chosen)
            copied += rows
            parts = [one for one in parts if one not in chosen] + [candidate(0, rows, write)]
        in_bucket = Counter(one.bucket for one in parts)
        assert max(in_bucket.values()) <= PARTS_MAX
    assert copied / 720_000 < 12
