"""Sealed files are read once, in pieces, and again when they changed or were asked for anew."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from sinks.holds import copied
from sinks.holds.copied import Copied
from telemetry.held_copy import HeldCopy, HeldHeader, framed, unframed

COMMAND = "hold-command-1"


def digest(number: int) -> bytes:
    return bytes([number]) * 16


def seal(folder: Path, name: int, numbers: Sequence[int]) -> Path:
    folder.mkdir(exist_ok=True)
    header = HeldHeader(command=COMMAND, output="study", rows=len(numbers), copied_ms=1)
    path = folder / f"{name:032x}.held"
    path.write_bytes(framed(header, [digest(number) for number in numbers], b"sealed"))
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of every file that was read."""
    lengths = list[int]()

    def read(content: bytes) -> HeldCopy | None:
        lengths.append(len(content))
        return unframed(content)

    monkeypatch.setattr(copied, "unframed", read)
    return lengths


def test_a_file_is_read_once_as_long_as_it_stays(tmp_path: Path, reads: list[int]) -> None:
    found = Copied()
    seal(tmp_path, 1, [1, 2])
    for _ in range(3):
        assert found.digests(tmp_path) == {digest(1), digest(2)}
    assert len(reads) == 1
    found.add(seal(tmp_path, 2, [3]), digest(3))
    assert found.digests(tmp_path) == {digest(1), digest(2), digest(3)}
    assert len(reads) == 1
    seal(tmp_path, 1, [4])
    assert found.digests(tmp_path) == {digest(3), digest(4)}
    (tmp_path / f"{2:032x}.held").unlink()
    assert found.digests(tmp_path) == {digest(4)}


def test_what_a_disk_has_damaged_is_seen_once_it_is_asked_for_anew(tmp_path: Path) -> None:
    found = Copied()
    path = seal(tmp_path, 1, [1, 2])
    assert found.digests(tmp_path) == {digest(1), digest(2)}
    before = path.stat()
    with path.open("r+b") as damaged:
        damaged.seek(-1, os.SEEK_END)
        damaged.write(b"\x00" if path.read_bytes()[-1] else b"\x01")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert found.digests(tmp_path) == {digest(1), digest(2)}, "nothing shows it"
    found.ask_anew(tmp_path)
    assert found.digests(tmp_path) == {digest(1), digest(2)}, "what is known stays known meanwhile"
    assert found.read_on(tmp_path, anew=True)
    assert found.digests(tmp_path) == set()


def test_no_more_than_a_piece_is_read_at_once(tmp_path: Path, reads: list[int]) -> None:
    for name in range(5):
        length = seal(tmp_path, name, [name]).stat().st_size
    found = Copied(piece_bytes=2 * length)
    assert [found.read_on(tmp_path) for _ in range(3)] == [False, False, True]
    assert len(reads) == 5
    found.ask_anew(tmp_path)
    assert [found.read_on(tmp_path, anew=True) for _ in range(3)] == [False, False, True]
    assert len(reads) == 10
    tiny = Copied(piece_bytes=0)
    assert [tiny.read_on(tmp_path) for _ in range(5)] == [False] * 4 + [True]


def test_what_an_erasure_waits_for_is_read_to_its_end_whatever_else_is_looked_at(
    tmp_path: Path, reads: list[int]
) -> None:
    awaited, other = tmp_path / "awaited", tmp_path / "other"
    for name in range(4):
        seal(awaited, name, [name])
    seal(other, 1, range(9))
    found = Copied(piece_bytes=1, remembered_bytes_max=9 * 16)
    assert found.digests(other)
    for done in (False, False, False, True):
        assert found.read_on(awaited, spare=True) is done
        assert found.digests(other)
    assert found.digests(awaited) == {digest(name) for name in range(4)}
    read = len(reads)
    found.read_on(other, spare=True)
    found.digests(other)
    found.digests(awaited)
    assert len(reads) > read, "one is spared, and not each that ever was"


def test_what_was_looked_at_longest_ago_is_forgotten_beyond_the_limit(
    tmp_path: Path, reads: list[int]
) -> None:
    found = Copied(remembered_bytes_max=5 * 16)
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        seal(folder, 1, [1, 2])
        found.digests(folder)
    found.digests(folders[2])
    found.digests(folders[1])
    assert len(reads) == 3
    found.digests(folders[0])
    assert len(reads) == 4
    large = tmp_path / "large"
    seal(large, 1, range(9))
    assert len(found.digests(large)) == len(found.digests(large)) == 9
    assert len(reads) == 5, "a hold that is larger than the limit is remembered while it is used"
