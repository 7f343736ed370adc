"""A checkpoint is decoded once by who asks, and of its ids by nobody who does not need them."""

from pathlib import Path

import msgspec
import pytest

from sinks.lake import checkpoints
from sinks.lake.check import check
from sinks.lake.checkpoints import Checkpoint, newest, newest_number, numbers_in, read, read_all
from sinks.lake.layout import entries
from sinks.lake.standing import counted
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record


def fill(root: Path, writes: int = 5) -> Path:
    with lake_at(root) as lake:
        for offset in range(writes):
            lake.write([record(offset)], NOW_MS)
    return root


def count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the checkpoints that are decoded with their ids from now on."""
    found: list[int] = []

    class Decoder:
        def decode(self, body: bytes) -> Checkpoint:
            one = msgspec.msgpack.decode(body, type=Checkpoint)
            found.append(one.number)
            return one

    monkeypatch.setattr(checkpoints, "_decoder", Decoder())
    return found


def test_the_newest_says_all_but_its_ids(tmp_path: Path) -> None:
    whole = read(fill(tmp_path), newest_number(tmp_path) or 0)
    assert whole.seen
    assert newest(tmp_path) == msgspec.structs.replace(whole, seen=[])


def test_who_asks_what_counts_decodes_no_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = count_decoded(monkeypatch)
    assert len(counted(fill(tmp_path))) == 5
    assert decoded == []


def test_a_start_and_a_check_decode_each_checkpoint_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = numbers_in(fill(tmp_path))
    decoded = count_decoded(monkeypatch)
    assert check(tmp_path, NOW_MS).refused is None
    assert decoded == numbers
    decoded.clear()
    with lake_at(tmp_path):
        assert decoded == numbers


def test_all_are_looked_at_again_if_one_goes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 1)
    gone = tmp_path / "_checkpoints" / "1"

    def removed_after_listing(folder: Path) -> list[Path]:
        found = entries(folder)
        gone.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(checkpoints, "entries", removed_after_listing)
    assert list(read_all(tmp_path).checkpoints) == [2]
