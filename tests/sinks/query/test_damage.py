"""What lies damaged or strange in a lake costs an answer its own rows, and no others."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from sinks.lake.deletion.erase import erase, locate
from sinks.lake.deletion.expire import expire_due
from sinks.lake.oldest import Oldest
from sinks.query.session import run_query
from tests.sinks.lakes import lake_at, parts
from tests.sinks.records import AFTER_MS, NOW_MS, OUTPUT_A, T0_MS, record, whose
from tests.sinks.strange import STRANGE

OURS = "service_improve"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with lake_at(tmp_path) as lake:
        for offset, who in enumerate("ZMA"):
            lake.write([record(offset, pseudonym=who)], NOW_MS)
    return tmp_path


COUNT = "SELECT count(*) FROM readings"


def test_a_damaged_part_is_left_out_and_the_answer_says_so(root: Path) -> None:
    own = [path for path in parts(root) if OURS in path]
    (root / own[0]).write_bytes(b"no footer")
    found = run_query(root, OURS, COUNT, NOW_MS)
    assert (found.unreadable, found.rows[0][0] < 6) == (1, True)


def test_a_part_damaged_inside_is_left_out_and_named_to_nobody(root: Path) -> None:
    own = root / next(path for path in parts(root) if OURS in path)
    content = own.read_bytes()
    own.write_bytes(content[:4] + b"\xff" * 400 + content[404:])
    found = run_query(
        root, OURS, "SELECT count(DISTINCT pseudonym), max(number) FROM readings", NOW_MS
    )
    assert found.unreadable == 1


def test_another_files_columns_are_no_part(root: Path) -> None:
    own = root / next(path for path in parts(root) if OURS in path)
    with duckdb.connect() as engine:
        engine.execute(f"COPY (SELECT 1 AS number) TO '{own}' (FORMAT parquet)")
    assert run_query(root, OURS, COUNT, NOW_MS).unreadable == 1


@pytest.mark.parametrize("note", [b"", b"{}", b"\xff", b'{"source": "../..", "parts": ["x"]}'])
@pytest.mark.parametrize("name", ["0123456789abcdef", "backup"])
def test_a_broken_note_stops_no_query(root: Path, name: str, note: bytes) -> None:
    (root / "_restating").mkdir()
    (root / "_restating" / name).write_bytes(note)
    assert run_query(root, OURS, COUNT, NOW_MS).rows == [(6,)]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in STRANGE.items()])
def test_a_strange_name_stops_no_answer(root: Path, make: Callable[[Path], Path]) -> None:
    make(root)
    assert run_query(root, OURS, COUNT, NOW_MS).rows == [(6,)]
    assert Oldest(root).by_output() == {OURS: T0_MS}
    assert locate(root, OUTPUT_A, whose("Z")).rows == 2


def test_every_kind_at_once_costs_nothing_but_the_damaged(root: Path) -> None:
    for make in STRANGE.values():
        make(root)
    damaged = next(path for path in root.rglob("*.parquet") if path.is_file())
    damaged.write_bytes(b"")
    found = run_query(root, OURS, COUNT, NOW_MS)
    assert (found.rows, found.unreadable) == ([(4,)], 1)
    assert (expire_due(root, AFTER_MS).files, expire_due(root, AFTER_MS).files) == (3, 0)


def test_an_erasure_says_which_files_it_could_not_read(root: Path) -> None:
    buckets = {path.parent for path in root.rglob("*.parquet")}
    for place in buckets:
        (place / "part-purpose.service_improve-0-9-9.parquet").write_bytes(b"no footer")
    receipt = erase(root, OUTPUT_A, whose("Z"), NOW_MS, "uncompressed")
    assert (receipt.located_before, receipt.located_after, receipt.unreadable) == (2, 0, 1)
    assert len(parts(root)) == 2 + len(buckets)
