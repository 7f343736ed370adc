"""When a lake was last written: by the last marker of each topic-partition, whatever lies beside it."""

import os
from pathlib import Path

import pytest

from sinks.lake.layout import OFFSETS, marker_directory
from sinks.lake.markers import written_ms
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, A, B, record


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two batches of one topic and one of another."""
    with lake_at(tmp_path / "lake") as sink:
        sink.write([record(4)], NOW_MS)
        sink.write([record(9, ce_id="record-2")], NOW_MS)
        sink.write([record(3, B)], NOW_MS)
    return tmp_path / "lake"


def date(lake: Path, topic: str, last: int, at_ms: int) -> None:
    at_ns = at_ms * 1_000_000
    os.utime(marker_directory(lake, topic, 0) / str(last), ns=(at_ns, at_ns))


def test_the_latest_of_the_last_markers_counts(lake: Path) -> None:
    date(lake, A, 9, NOW_MS)
    date(lake, B, 3, NOW_MS + 5)
    assert written_ms(lake) == NOW_MS + 5


def test_a_clock_that_was_ahead_counts_until_the_next_batch(lake: Path) -> None:
    date(lake, A, 9, NOW_MS)
    date(lake, B, 3, NOW_MS)
    date(lake, A, 4, 2 * NOW_MS)
    assert written_ms(lake) == NOW_MS


def test_what_is_no_marker_says_nothing(lake: Path) -> None:
    date(lake, A, 9, NOW_MS)
    date(lake, B, 3, NOW_MS)
    (lake / OFFSETS / "a file").write_text("x")
    (marker_directory(lake, A, 0) / "99.new").write_text("x")
    assert written_ms(lake) == NOW_MS


def test_where_nothing_was_written_nothing_is_known(tmp_path: Path) -> None:
    assert written_ms(tmp_path) is None
    with lake_at(tmp_path / "lake"):
        assert written_ms(tmp_path / "lake") is None
