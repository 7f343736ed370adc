"""An erasure sees what waits in ``_staged``, too: it goes, or it is said to be there."""

from pathlib import Path

import pytest

from sinks.lake.deletion.erase import erase, locate
from sinks.lake.lake import Lake
from sinks.lake.layout import files, partitions
from sinks.lake.staged import staged
from sinks.lake.steps import Step
from sinks.lake.verify import search
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake
from tests.sinks.records import NOW_MS, OUTPUT_A, record, whose

WHO = whose("CANARY-7")
MINE, OTHERS = 2, 2
STEPS = 8


def write(lake: Lake, first: int = 0) -> None:
    lake.write([record(first, pseudonym="CANARY-7"), record(first + 1, pseudonym="P1")], NOW_MS)


def kept(root: Path) -> list[Path]:
    placed = [path for place in partitions(root) for path in files(place)]
    return [*(one.path for one in staged(root)), *placed]


@pytest.mark.parametrize("at", range(STEPS))
def test_of_a_sink_killed_at_any_step_nothing_of_the_subject_stays(tmp_path: Path, at: int) -> None:
    lake = open_lake(tmp_path)
    hook = KillAt(at)
    lake._at = lake._checkpoints._at = hook
    with pytest.raises(Killed):
        write(lake)
    kill(lake)
    there = bool(kept(tmp_path))
    assert locate(tmp_path, OUTPUT_A, WHO).rows == MINE * there
    receipt = erase(tmp_path, OUTPUT_A, WHO, NOW_MS, "uncompressed")
    assert receipt.located_after == 0
    assert not search(tmp_path, b"CANARY").found
    with lake_at(tmp_path) as again:
        write(again)  # what a store never said that it had comes again
        assert locate(tmp_path, OUTPUT_A, whose("P1")).rows == OTHERS


def test_what_waits_while_its_sink_lives_is_located(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def hook(step: Step) -> None:
        if step is Step.STAGED_DURABLE:
            receipt = erase(tmp_path, OUTPUT_A, WHO, NOW_MS, "uncompressed")
            seen.append((receipt.located_before, receipt.located_after))

    lake = open_lake(tmp_path, at=hook)
    write(lake)
    lake.close()
    assert seen == [(0, MINE)]
    assert erase(tmp_path, OUTPUT_A, WHO, NOW_MS, "uncompressed").located_after == 0


def test_what_nothing_proves_half_written_stays_without_the_subject(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    lake._at = lake._checkpoints._at = KillAt(2)
    lake._checkpoints._number += 5  # as if checkpoints were lost
    with pytest.raises(Killed):
        write(lake)
    kill(lake)
    assert erase(tmp_path, OUTPUT_A, WHO, NOW_MS, "uncompressed").located_after == 0
    assert not search(tmp_path, b"CANARY").found
    assert locate(tmp_path, OUTPUT_A, whose("P1")).rows == OTHERS
