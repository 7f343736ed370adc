"""A lake that is laid out as columns is the one that its sink makes of the same records."""

from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="numpy is not installed: pip install -e '.[dev]'")

from bench import filling
from bench.sink_records import BEGIN_MS, OUTPUTS, ROWS_EACH, pseudonym_of
from sinks.lake.deletion.erase import locate
from sinks.lake.lake import Lake, LakeSettings
from sinks.port.selection import Selection
from sinks.query.session import run_query
from telemetry.identity import Pseudonym

RECORDS, PEOPLE, BUCKETS, WRITES = 3_000, 40, 6, 4


def _parts(root: Path) -> dict[str, list[bytes]]:
    """Of each bucket, the bytes of its parts."""
    found: dict[str, list[bytes]] = {}
    for path in sorted(root.rglob("part-*.parquet")):
        found.setdefault(str(path.parent.relative_to(root)), []).append(path.read_bytes())
    return found


def test_each_part_is_byte_for_byte_what_a_sink_merges_of_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "PEOPLE_MIN", PEOPLE)
    monkeypatch.setattr(filling, "ROWS_OF_PERSON", RECORDS * ROWS_EACH)
    filled = filling.filled(tmp_path / "filled", RECORDS * ROWS_EACH, BUCKETS)
    settings = LakeSettings(buckets=BUCKETS, compression="uncompressed")
    sink, each = Lake(tmp_path / "written", OUTPUTS, settings), RECORDS // WRITES
    for first in range(0, RECORDS, each):
        sink.write(filling.records(first, each, PEOPLE), BEGIN_MS)
    while sink.join(BEGIN_MS):
        pass
    sink.close()
    written = _parts(tmp_path / "written")
    assert len(written) == BUCKETS
    assert all(len(parts) == 1 for parts in written.values()), "the sink has merged all"
    assert _parts(filled) == written


def test_a_filled_lake_is_searched_read_and_opened_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "PEOPLE_MIN", PEOPLE)
    root = filling.filled(tmp_path / "filled", 1_000, BUCKETS)
    everyone = Selection(frozenset(Pseudonym(pseudonym_of(n)) for n in range(PEOPLE)))
    assert locate(root, filling.OUTPUT, everyone).rows == 1_000
    count = run_query(root, filling.OUTPUT, "SELECT count(*) FROM readings", BEGIN_MS)
    assert count.rows == [(1_000,)]
    again = Lake(root, OUTPUTS, LakeSettings(buckets=BUCKETS))
    assert again.position(filling.TOPIC, 0) == 1_000 // ROWS_EACH
    assert again.strange() == []
    again.close()
