"""Whoever counts while a sink merges counts every row once, or says that it could not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sinks.lake import parquet
from sinks.lake.checkpoints import LOOKS_MAX
from sinks.lake.deletion.erase import erase, locate
from sinks.lake.deletion.restate import Restatement
from sinks.lake.digest import lake_digest
from sinks.lake.standing import CountedPart, MovingError, looked_at
from sinks.lake.steps import Step
from sinks.lake.stored import StoredLake
from sinks.port.results import Located
from sinks.port.selection import Selection
from sinks.port.sink import StoreTakenError
from tests.sinks.lake.test_merge import WHO, fill, join
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, OUTPUT_A, SPEED, whose
from tests.sinks.restating import SOONER_MS, FixedEnds


class MergedMeanwhile:
    """What looks at a lake: as it does so for the first time, a sink merges."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.looks = 0

    def __call__(self, parts: Sequence[CountedPart]) -> int:
        self.looks += 1
        if self.looks == 1:
            join(self.root)
        return sum(len(part.path.read_bytes()) > 0 for part in parts)


def test_it_looks_again_if_a_part_goes_meanwhile(tmp_path: Path) -> None:
    look = MergedMeanwhile(fill(tmp_path))
    assert looked_at(tmp_path, look) == len(list(tmp_path.rglob("*.parquet")))
    assert look.looks == 2


def test_a_fault_of_its_own_is_no_reason_to_look_again(tmp_path: Path) -> None:
    def fail(_parts: Sequence[CountedPart]) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        looked_at(fill(tmp_path), fail)


def test_after_so_many_looks_it_says_that_another_is_at_work(tmp_path: Path) -> None:
    looks = 0

    def look(parts: Sequence[CountedPart]) -> None:
        nonlocal looks
        looks += 1
        parts[0].path.rename(parts[0].path.with_name(f"part-1-{looks}.parquet"))

    with pytest.raises(MovingError, match="try again") as raised:
        looked_at(fill(tmp_path), look)
    assert looks == LOOKS_MAX
    assert isinstance(raised.value, StoreTakenError)


def test_what_is_held_is_counted_once_while_a_sink_merges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = StoredLake(fill(tmp_path)).holdings().readings
    whole = parquet._readings
    merging = [tmp_path]

    def merged_meanwhile(engine: object, paths: Sequence[Path]) -> int | None:
        if merging:
            join(merging.pop())
        return whole(engine, paths)  # type: ignore[arg-type]  # an engine

    monkeypatch.setattr(parquet, "_readings", merged_meanwhile)
    held = StoredLake(tmp_path).holdings()
    assert (held.readings, sum(held.unreadable.values())) == (expected, 0)


def test_a_digest_is_of_every_row_once_while_a_sink_merges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = lake_digest(fill(tmp_path))
    merging = [tmp_path]

    def merged_meanwhile(paths: Sequence[Path]) -> str:
        if merging:
            with lake_at(merging.pop()) as lake:
                lake.join(NOW_MS)
        return parquet.source(paths)

    monkeypatch.setattr("sinks.lake.digest.source", merged_meanwhile)
    assert lake_digest(tmp_path) == expected


def test_what_a_merge_moves_is_located_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = whose(*WHO)
    expected = locate(fill(tmp_path), OUTPUT_A, everybody).rows
    merging = [tmp_path]

    def merged_meanwhile(paths: Sequence[Path]) -> str:
        if merging:
            join(merging.pop())
        return parquet.source(paths)

    monkeypatch.setattr("sinks.lake.deletion.erase.source", merged_meanwhile)
    located = locate(tmp_path, OUTPUT_A, everybody)
    assert (located.rows, located.unreadable) == (expected, 0)


def test_a_receipt_is_made_out_while_no_merge_may_move_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = []

    def merging(root: Path, output: str, selection: Selection) -> Located:
        merged.append(join(root))
        return locate(root, output, selection)

    monkeypatch.setattr("sinks.lake.deletion.erase.locate", merging)
    erase(fill(tmp_path), OUTPUT_A, whose("NOBODY"), NOW_MS, "uncompressed")
    assert merged == [0]


def test_what_is_held_is_counted_once_at_every_step_of_a_restatement(tmp_path: Path) -> None:
    expected = StoredLake(fill(tmp_path)).holdings().readings
    seen = []

    def hook(_step: Step) -> None:
        seen.append(StoredLake(tmp_path).holdings().readings)

    Restatement(tmp_path, "uncompressed", hook).run(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
    assert seen and seen == [expected] * len(seen)
