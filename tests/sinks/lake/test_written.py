"""When a lake was last written: by its newest checkpoint, whatever lies beside it."""

import os
from pathlib import Path

import pytest

from sinks.lake.checkpoints import numbers_in
from sinks.lake.layout import CHECKPOINTS
from sinks.lake.positions import written_ms
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two checkpoints with rows."""
    with lake_at(tmp_path / "lake") as sink:
        sink.write([record(4)], NOW_MS)
        sink.write([record(9, ce_id="record-2")], NOW_MS)
    return tmp_path / "lake"


def date(lake: Path, number: int, at_ms: int) -> None:
    at_ns = at_ms * 1_000_000
    os.utime(lake / CHECKPOINTS / str(number), ns=(at_ns, at_ns))


def test_a_clock_that_was_ahead_counts_until_the_next_checkpoint(lake: Path) -> None:
    before, newest = numbers_in(lake)[-2:]
    date(lake, newest, NOW_MS)
    date(lake, before, 2 * NOW_MS)
    assert written_ms(lake) == NOW_MS


def test_what_is_no_checkpoint_says_nothing(lake: Path) -> None:
    date(lake, numbers_in(lake)[-1], NOW_MS)
    (lake / CHECKPOINTS / "a file").write_text("x")
    (lake / CHECKPOINTS / "99.new").write_text("x")
    assert written_ms(lake) == NOW_MS


def test_where_nothing_was_written_nothing_is_known(tmp_path: Path) -> None:
    assert written_ms(tmp_path) is None
    with lake_at(tmp_path / "lake"):
        assert written_ms(tmp_path / "lake") is None
