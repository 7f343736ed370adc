"""An erasure rewrites what it must, and nothing more."""

from pathlib import Path

import pyarrow as pa
import pytest

from sinks.lake.deletion.erase import erase
from sinks.lake.deletion.expire import expire_due
from sinks.lake.deletion.left_rows import left_of
from sinks.lake.lake import LakeSettings
from sinks.lake.part_file import Appended, part_bytes, read_whole
from sinks.lake.steps import Step
from sinks.lake.verify import search
from tests.sinks.lakes import lake_at, parts, stored, utc
from tests.sinks.records import AFTER_MS, NOW_MS, OUTPUT_A, OUTPUTS, T0_MS, A, B, record, whose

BUCKETS = 8
SETTINGS = LakeSettings(buckets=BUCKETS, compression="uncompressed")
NAMES = [f"P{number}" for number in range(20)]


def test_only_parts_that_held_the_subject_are_rewritten(tmp_path: Path) -> None:
    with lake_at(tmp_path, SETTINGS) as lake:
        for partition in range(2):
            batch = [record(n, A, partition, pseudonym=name) for n, name in enumerate(NAMES)]
            lake.write(batch, NOW_MS)
        lake.write([record(30, pseudonym="P1")], NOW_MS)
        before = {part: (tmp_path / part).stat().st_ino for part in parts(tmp_path)}
        lake.erase(OUTPUT_A, whose("P0"), NOW_MS)
    changed = [p for p in parts(tmp_path) if (tmp_path / p).stat().st_ino != before[p]]
    assert (len(changed), len(before)) == (2, 3)
    assert len(stored(tmp_path)) == 2 * (2 * len(NAMES) + 1 - 2)


def test_a_part_that_held_only_the_subject_is_gone(tmp_path: Path) -> None:
    with lake_at(tmp_path, SETTINGS) as lake:
        lake.write([record(0)], NOW_MS)
        lake.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
    assert parts(tmp_path) == []


def test_no_byte_or_name_of_the_subject_is_left_anywhere(tmp_path: Path) -> None:
    with lake_at(tmp_path, SETTINGS) as lake:
        lake.write([record(n, pseudonym=name) for n, name in enumerate(NAMES)], NOW_MS)
        lake.write([record(0, B, pseudonym="CANARY-IN-B")], NOW_MS)
        lake.write([record(40, pseudonym="CANARY-7", ce_id="CANARY-ID")], NOW_MS)
        for output in OUTPUTS.values():
            lake.erase(output, whose("CANARY-7", "CANARY-IN-B"), NOW_MS)
    assert not search(tmp_path, b"CANARY").found
    assert search(tmp_path, b"P19").found


def test_a_row_that_arrives_during_an_erasure_shows_in_its_receipt(tmp_path: Path) -> None:
    with lake_at(tmp_path, SETTINGS) as lake:
        lake.write([record(0)], NOW_MS)

        def hook(step: Step) -> None:
            if step is Step.REPLACED:
                lake.write([record(1)], NOW_MS)

        receipt = erase(tmp_path, OUTPUT_A, whose("PSEUDONYM"), NOW_MS, "uncompressed", hook)
        assert (receipt.located_before, receipt.located_after) == (2, 2)


def test_a_part_swept_during_an_erasure_does_not_come_back(tmp_path: Path) -> None:
    with lake_at(tmp_path, LakeSettings(buckets=1)) as lake:
        lake.write([record(0), record(1, pseudonym="STAYS")], NOW_MS)

    def hook(step: Step) -> None:
        if step is Step.REWRITTEN:
            expire_due(tmp_path, AFTER_MS)

    receipt = erase(tmp_path, OUTPUT_A, whose("PSEUDONYM"), NOW_MS, "uncompressed", hook)
    assert (receipt.located_before, receipt.located_after) == (2, 0)
    assert parts(tmp_path) == []


def test_equal_erasures_give_equal_digests_and_others_do_not(tmp_path: Path) -> None:
    digests = []
    for folder, names in (("a", ["P1"]), ("b", ["P1"]), ("c", ["P1", "P2"])):
        with lake_at(tmp_path / folder, SETTINGS) as lake:
            lake.write([record(n, pseudonym=other) for n, other in enumerate(NAMES)], NOW_MS)
            digests.append(lake.erase(OUTPUT_A, whose(*names), NOW_MS).digest)
    assert digests[0] == digests[1] != digests[2]


def test_erasing_keeps_the_rows_beside_it_as_they_were(tmp_path: Path) -> None:
    series = {"Vehicle.Gear": ("", [0], ["R"]), "Vehicle.Speed": ("km/h", [0, 7], [1.5, 2.5])}
    settings = LakeSettings(buckets=1)
    with lake_at(tmp_path, settings) as lake:
        lake.write([record(0, pseudonym="STAYS", series=series, dtc=["P0301"])], NOW_MS)
        alone = stored(tmp_path)
        lake.write([record(1, pseudonym="GOES"), record(2, pseudonym="STAYS")], NOW_MS)
        lake.write([record(3, pseudonym="GOES")], NOW_MS)
        lake.erase(OUTPUT_A, whose("GOES"), NOW_MS)
        assert [row for row in stored(tmp_path) if row in alone] == alone
        assert len(stored(tmp_path)) == len(alone) + 2


def test_a_search_finds_a_marker_across_the_edge_of_a_chunk(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"." * ((1 << 20) - 3) + b"MARKER")
    assert search(tmp_path, b"MARKER").in_bytes == 1
    assert not search(tmp_path, b"MARKER!").found


def test_a_search_for_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        search(tmp_path, b"")


def test_a_rewritten_part_is_what_it_were_if_nobody_had_been_erased(tmp_path: Path) -> None:
    """Neither its bytes nor its time, nor its folder's, tell that somebody was."""
    others = [record(n, pseudonym=f"P{n}") for n in range(1, 9)]
    with lake_at(tmp_path / "never", SETTINGS) as never:
        never.write(others, NOW_MS)
    with lake_at(tmp_path / "erased", SETTINGS) as lake:
        lake.write([*others, record(9, pseudonym="P0", ce_id="gone")], NOW_MS)
        (part,) = (tmp_path / "erased" / name for name in parts(tmp_path / "erased"))
        times = [path.stat().st_mtime_ns for path in (part, part.parent)]
        assert lake.erase(OUTPUT_A, whose("P0"), NOW_MS).located_before == 2
    assert [path.stat().st_mtime_ns for path in (part, part.parent)] == times
    (same,) = parts(tmp_path / "never")
    assert part.read_bytes() == (tmp_path / "never" / same).read_bytes()


def test_of_a_part_some_rows_of_somebody_go_and_the_others_stay_in_their_order(
    tmp_path: Path,
) -> None:
    with lake_at(tmp_path, SETTINGS) as lake:
        lake.write([record(n, pseudonym=f"P{n % 2}", ce_id=f"r{n}") for n in range(6)], NOW_MS)
        before = stored(tmp_path)
        some = whose("P0")._replace(to_ms=T0_MS + 1)
        assert lake.erase(OUTPUT_A, some, NOW_MS).located_before == 3
    gone = [row for row in before if row not in stored(tmp_path)]
    assert len(gone) == 3
    assert {(row[2], row[4]) for row in gone} == {("P0", utc(T0_MS))}


@pytest.mark.parametrize("t_us", [1_500, -2_000, None], ids=["half", "before 1970", "none"])
def test_times_that_no_sink_writes_are_left_to_the_engine(tmp_path: Path, t_us: int | None) -> None:
    with lake_at(tmp_path, SETTINGS) as lake:
        lake.write([record(0, pseudonym="P0")], NOW_MS)
    (name,) = parts(tmp_path)
    whole = read_whole(tmp_path / name)
    assert whole is not None
    some = whose("P0")._replace(to_ms=AFTER_MS)
    assert left_of(tmp_path / name, some, whole.rows.num_rows) is not None
    times = pa.array([t_us] * whole.rows.num_rows, pa.timestamp("us"))
    place = whole.rows.column_names.index("t")
    strange = whole.rows.set_column(place, "t", times)
    (tmp_path / name).write_bytes(part_bytes(strange, Appended(), "uncompressed"))
    assert left_of(tmp_path / name, some, whole.rows.num_rows) is None
