"""Whatever lies in a lake: every operation answers for the rest, and the strange is told once.

Each kind lies in a lake of three parts of one output. What a kind costs is said beside it: the rows
of a part that cannot be read, or nothing.
"""

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import duckdb
import pytest

from sinks.lake.check import check
from sinks.lake.deletion.erase import erase, locate
from sinks.lake.deletion.expire import expire_due
from sinks.lake.deletion.restate import Restatement
from sinks.lake.stored import StoredLake
from sinks.query.session import run_query
from tests.sinks.lakes import lake_at
from tests.sinks.records import AFTER_MS, NOW_MS, SPEED, T0_MS, record, whose
from tests.sinks.restating import SOONER_MS, FixedEnds
from tests.sinks.strange import STRANGE

OURS: Final = "service_improve"
WHO: Final = whose("Z")
ENDS: Final = FixedEnds({SPEED: SOONER_MS})
Make = Callable[[Path], object]


def damaged(root: Path) -> Path:
    """The part that a kind damages: of the person who is not erased."""
    [found] = [
        path
        for path in root.rglob("part-*.parquet")
        if path.is_file() and b"OTHER" in path.read_bytes()
    ]
    return found


def zero(root: Path) -> None:
    damaged(root).write_bytes(b"")


def cut(root: Path) -> None:
    path = damaged(root)
    path.write_bytes(path.read_bytes()[:-20])


def flipped(root: Path) -> None:
    path = damaged(root)
    content = bytearray(path.read_bytes())
    content[content.index(b"OTHER")] ^= 1
    path.write_bytes(content)


def foreign_schema(root: Path) -> None:
    path = damaged(root)
    with duckdb.connect() as engine:
        engine.sql("SELECT 1 AS number").write_parquet(str(path))


def unreadable(root: Path) -> None:
    damaged(root).chmod(0)


def loop(root: Path) -> None:
    bucket = damaged(root).parent
    (bucket / "part-loop-0-1-1.parquet").symlink_to("part-loop-0-1-1.parquet")


def link_out(root: Path) -> None:
    outside = root.parent / "outside.parquet"
    outside.write_bytes(damaged(root).read_bytes())
    (damaged(root).parent / "part-out-0-1-1.parquet").symlink_to(outside)


def folder_loop(root: Path) -> None:
    (damaged(root).parent / "deeper").symlink_to(root)


def other_normalisation(root: Path) -> None:
    name = unicodedata.normalize("NFD", "part-é-0-1-1.parquet\n")
    (damaged(root).parent / name).write_bytes(b"")


DAMAGE: Final[Mapping[str, Make]] = {
    "zero bytes": zero,
    "a cut footer": cut,
    "a flipped page": flipped,
    "another schema": foreign_schema,
    # Nothing is forbidden to root.
    **({"no permission to read": unreadable} if os.geteuid() else {}),
}
NAMES: Final[Mapping[str, Make]] = {
    **STRANGE,
    "a link to itself": loop,
    "a link out of the lake": link_out,
    "a folder that is the lake": folder_loop,
    "another normalisation and a new line": other_normalisation,
}
KINDS: Final = [
    *(pytest.param(make, 1, id=name) for name, make in DAMAGE.items()),
    *(pytest.param(make, 0, id=name) for name, make in NAMES.items()),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "lake"
    with lake_at(root) as lake:
        for offset, who in enumerate(("Z", "Z", "OTHER")):
            lake.write([record(offset, pseudonym=who)], NOW_MS)
    return root


@pytest.mark.parametrize(("make", "cost"), KINDS)
def test_whoever_reads_gets_the_rest(root: Path, make: Make, cost: int) -> None:
    make(root)
    found = run_query(root, OURS, "SELECT count(*) FROM readings", NOW_MS)
    assert (found.rows, found.unreadable) == ([(6 - 2 * cost,)], cost)
    store = StoredLake(root)
    assert store.oldest_ms() == {OURS: T0_MS}
    held = store.holdings()
    assert (held.readings, held.unreadable[OURS]) == ({OURS: 6 - 2 * cost}, cost)
    assert locate(root, OURS, WHO).rows == 4
    assert [one.files for one in store.overdue(AFTER_MS)] == [3]


@pytest.mark.parametrize(("make", "cost"), KINDS)
def test_it_is_told_once(root: Path, make: Make, cost: int) -> None:
    make(root)
    store = StoredLake(root)
    store.oldest_ms()
    assert len(check(root, NOW_MS).strange) == len(store.strange()) == 1
    assert check(root, NOW_MS).parts == 3
    assert cost in (0, 1)


@pytest.mark.parametrize(("make", "cost"), KINDS)
def test_an_erasure_removes_all_it_can_read(root: Path, make: Make, cost: int) -> None:
    make(root)
    receipt = erase(root, OURS, WHO, NOW_MS, "uncompressed")
    assert (receipt.located_before, receipt.located_after) == (4, 0)
    assert receipt.unreadable <= cost
    found = run_query(root, OURS, "SELECT count(*) FROM readings", NOW_MS)
    assert (found.rows, found.unreadable) == ([(2 - 2 * cost,)], cost)


@pytest.mark.parametrize(("make", "cost"), KINDS)
def test_a_restatement_moves_the_rest(root: Path, make: Make, cost: int) -> None:
    make(root)
    done = Restatement(root, "uncompressed").run(ENDS, NOW_MS)
    assert (done.files, done.unreadable, done.left) == (3 - cost, cost, 0)
    assert len(check(root, NOW_MS).strange) == 1


@pytest.mark.parametrize(("make", "cost"), KINDS)
def test_a_sweep_removes_every_part_and_nothing_else(root: Path, make: Make, cost: int) -> None:
    make(root)
    swept = expire_due(root, AFTER_MS)
    assert (swept.files, swept.left) == (3, ())
    assert swept.rows >= 6 - 2 * cost
    assert expire_due(root, AFTER_MS).files == 0
    outside = root.parent / "outside.parquet"
    assert not outside.is_symlink()
    assert outside.exists() == (make is link_out)
