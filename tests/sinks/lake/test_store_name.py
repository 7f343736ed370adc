"""A lake has one name for ever, and says so if that is lost or damaged."""

from pathlib import Path

import pytest

from sinks.lake.check import check
from sinks.lake.format import LakeDamagedError, LakeFormatError
from sinks.lake.layout import STORE_FILE
from sinks.lake.stored import StoredLake
from tests.sinks.lakes import lake_at, open_lake
from tests.sinks.records import NOW_MS, record


def test_who_only_reads_sees_the_name_that_the_sink_gave(tmp_path: Path) -> None:
    with pytest.raises(LakeFormatError, match="no name yet"):
        StoredLake(tmp_path).name()
    with lake_at(tmp_path) as lake:
        assert StoredLake(tmp_path).name() == lake.name()
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_a_lake_of_before_is_given_one_and_keeps_its_rows(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
        first = lake.name()
    (tmp_path / STORE_FILE).unlink()
    with lake_at(tmp_path) as lake:
        assert lake.name() != first
        assert lake.write([record(0)], NOW_MS).replayed == 1


@pytest.mark.parametrize("content", [b"", b"lake:", b"lake:0123456789abcdeF", b"\xff" * 21])
def test_a_damaged_name_is_never_replaced_by_itself(tmp_path: Path, content: bytes) -> None:
    open_lake(tmp_path).close()
    assert check(tmp_path, NOW_MS).strange == ()
    (tmp_path / STORE_FILE).write_bytes(content)
    with pytest.raises(LakeDamagedError, match=STORE_FILE):
        open_lake(tmp_path)
    assert STORE_FILE in (check(tmp_path, NOW_MS).refused or "")
    assert (tmp_path / STORE_FILE).read_bytes() == content
