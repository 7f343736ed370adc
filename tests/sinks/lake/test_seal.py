"""A part whose bytes are not those that were written is named, and costs only its own rows."""

from pathlib import Path

import duckdb
import pytest

from sinks.lake.check import check
from sinks.lake.deletion.erase import erase, locate
from sinks.lake.deletion.expire import expire_due
from sinks.lake.deletion.restate import Restatement
from sinks.lake.seal import is_altered, seal
from sinks.lake.stored import StoredLake
from sinks.port.results import Oddity
from sinks.query.session import run_query
from tests.sinks.lakes import lake_at, parts, stored
from tests.sinks.records import AFTER_MS, NOW_MS, OUTPUT_A, SPEED, T0_MS, record, whose
from tests.sinks.restating import SOONER_MS, FixedEnds

OURS = "service_improve"
ENDS = FixedEnds({SPEED: SOONER_MS})
WHO = "ALTERED"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A lake of two parts of one bucket; a pseudonym in the pages of one has another letter."""
    with lake_at(tmp_path) as lake:
        lake.write([record(0, pseudonym=WHO)], NOW_MS)
        lake.write([record(1, pseudonym=WHO, t0_ms=T0_MS + 1)], NOW_MS)
    return tmp_path


@pytest.fixture
def altered(root: Path) -> Path:
    path = root / parts(root)[0]
    flip(path, path.read_bytes().index(WHO.encode()))
    return path


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_without_a_seal_the_engine_would_not_notice(root: Path, altered: Path) -> None:
    assert altered.exists()
    assert len({row[2] for row in stored(root)}) == 2


def test_any_flipped_bit_is_noticed(root: Path) -> None:
    path = root / parts(root)[0]
    whole = path.read_bytes()
    assert not is_altered(path)
    unnoticed = []
    for place in range(0, len(whole), 3):
        flip(path, place)
        if not is_altered(path) and not check(root, NOW_MS).strange:
            unnoticed.append(place)
        path.write_bytes(whole)
    name = whole.index(b"roadfade.sha256")
    assert unnoticed, "a flip in the seal's own name makes a part without one"
    assert all(name <= place < name + 16 for place in unnoticed)


def test_the_check_and_the_sweep_name_it(root: Path, altered: Path) -> None:
    store = StoredLake(root)
    store.oldest_ms()
    for told in (check(root, NOW_MS).strange, store.strange()):
        assert [(one.oddity, one.place) for one in told] == [
            (Oddity.UNREADABLE, str(altered.relative_to(root)))
        ]


def test_a_query_leaves_it_out_and_says_so(root: Path, altered: Path) -> None:
    assert altered.exists()
    found = run_query(root, OURS, "SELECT DISTINCT pseudonym FROM readings", NOW_MS)
    assert (found.rows, found.unreadable) == ([(WHO,)], 1)


def test_holdings_do_not_count_it_as_kept(root: Path, altered: Path) -> None:
    assert altered.exists()
    held = StoredLake(root).holdings()
    assert (held.readings, held.unreadable) == ({OURS: 2}, {OURS: 1})


def test_an_erasure_removes_what_it_finds_and_is_not_called_whole(root: Path) -> None:
    path = root / parts(root)[0]
    flip(path, path.read_bytes().index(b"km/h"))
    assert locate(root, OUTPUT_A, whose(WHO)).unreadable == 1
    with lake_at(root) as lake:
        lake.write([record(2, pseudonym="B")], NOW_MS)
    receipt = erase(root, OUTPUT_A, whose(WHO), NOW_MS, "uncompressed")
    assert (receipt.located_before, receipt.located_after) == (4, 0)
    assert WHO not in {row[2] for row in stored(root)}


def test_a_rewritten_altered_part_is_not_sealed_anew(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0, pseudonym=WHO), record(1, pseudonym="ALTEREF")], NOW_MS)
    for place in parts(tmp_path):
        flip(tmp_path / place, (tmp_path / place).read_bytes().index(b"km/h"))
    receipt = erase(tmp_path, OUTPUT_A, whose(WHO), NOW_MS, "uncompressed")
    assert receipt.unreadable == 1
    assert len(check(tmp_path, NOW_MS).strange) == len(parts(tmp_path)) == 1


def test_a_restatement_leaves_it_and_restates_the_rest(root: Path, altered: Path) -> None:
    done = Restatement(root, "uncompressed").run(ENDS, NOW_MS)
    assert (done.files, done.unreadable) == (1, 1)
    assert altered.exists()
    assert [one.place for one in check(root, NOW_MS).strange] == [str(altered.relative_to(root))]


def test_a_sweep_removes_it(root: Path, altered: Path) -> None:
    assert expire_due(root, AFTER_MS).files == 2
    assert not altered.exists()


def test_a_part_of_an_older_version_is_read_as_before(root: Path) -> None:
    path = root / parts(root)[0]
    with duckdb.connect() as engine:
        engine.read_parquet(str(path), hive_partitioning=False).write_parquet(f"{path}.old")
    Path(f"{path}.old").replace(path)
    assert not is_altered(path)
    assert check(root, NOW_MS).strange == ()
    assert run_query(root, OURS, "SELECT count(*) FROM readings", NOW_MS).rows == [(4,)]


def test_a_file_without_room_is_not_sealed(tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(b"no footer of any kind")
    with pytest.raises(ValueError, match="without room"):
        seal(tmp_path / "some")
