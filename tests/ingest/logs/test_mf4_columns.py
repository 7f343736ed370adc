"""An MF4 by its columns gives the frames that python-can gives, whole or damaged."""

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ingest.logs import mf4
from ingest.logs.capture import Capture
from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.refused import Refused
from tests.ingest.captures import (
    GNSS_DBC,
    GNSS_LOG,
    GNSS_LOG_EARLIER,
    needs,
    own_drive,
    write,
)

Read = tuple[list[LoggedFrame], LogCounts] | str


def read(path: Path) -> Read:
    try:
        capture = Capture(path)
        return list(capture.frames()), capture.counts
    except Refused as refused:
        return str(refused)


def read_the_long_way(path: Path) -> Read:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mf4, "_rows", lambda _chunk, _start_s: None)
        return read(path)


def same(path: Path) -> Read:
    """What was read, if both ways read the same."""
    found = read(path)
    assert found == read_the_long_way(path)
    return found


@pytest.fixture
def by_python_can(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each frame that python-can reads of a column."""
    asked: list[int] = []
    theirs: Any = mf4._ByColumns.__mro__[1]
    iterate = theirs.__iter__

    def counted(self: Any) -> Iterator[Any]:
        for n, message in enumerate(iterate(self)):
            asked.append(n)
            yield message

    monkeypatch.setattr(theirs, "__iter__", counted)
    return asked


def test_a_generated_drive_is_read_by_its_columns(tmp_path: Path, by_python_can: list[int]) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(250))
    found = read(path)
    assert by_python_can == []
    assert found == read_the_long_way(path)
    assert len(by_python_can) == 1003
    assert not isinstance(found, str) and found[1].data == 1003


def test_records_that_are_unlike_go_to_python_can_from_there_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_python_can: list[int]
) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(250))
    whole = read(path)
    by_columns, chunks = mf4._rows, []

    def only_the_first(chunk: Any, start_s: float) -> Any:
        chunks.append(chunk)
        return by_columns(chunk, start_s) if len(chunks) == 1 else None

    monkeypatch.setattr(mf4, "_rows", only_the_first)
    assert read(path) == whole
    assert len(chunks) == 2
    assert len(by_python_can) == 1003


def chunk(**changed: Any) -> SimpleNamespace:
    columns: dict[str, Any] = {
        "BusChannel": np.array([1, 2], "u1"),
        "ID": np.array([0x123, 0x80000456], "u4"),
        "IDE": np.array([0, 1], "u1"),
        "DataLength": np.array([2, 9], "u1"),
        "DataBytes": np.arange(16, dtype="u1").reshape(2, 8),
        "Dir": np.array([0, 1], "u1"),
        "EDL": np.array([0, 1], "u1"),
    } | changed
    columns = {name: column for name, column in columns.items() if column is not None}
    kinds: list[Any] = [(f"CAN_DataFrame.{n}", c.dtype, c.shape[1:]) for n, c in columns.items()]
    samples = np.zeros(2, kinds)
    for name, column in columns.items():
        samples[f"CAN_DataFrame.{name}"] = column
    return SimpleNamespace(samples=samples, timestamps=np.array([0.5, 1.5]))


def test_columns_become_rows() -> None:
    assert mf4._rows(chunk(), 10.0) == [
        mf4.Row(10.5, "1", 0x123, ext=False, data=b"\x00\x01", direction="rx", fd=False),
        mf4.Row(11.5, "2", 0x456, ext=True, data=bytes(range(8, 16)), direction="tx", fd=True),
    ]


def test_a_float_is_a_whole_number_and_a_direction_may_be_in_letters() -> None:
    plain = mf4._rows(chunk(), 10.0)
    floats = chunk(
        BusChannel=np.array([1.0, 2.9]), DataLength=np.array([2.0, 9.0]), IDE=np.array([0.0, 0.5])
    )
    assert mf4._rows(floats, 10.0) == plain
    assert mf4._rows(chunk(Dir=np.array([b"Rx", b"Tx"], "S8")), 10.0) == plain


def test_columns_that_are_absent_have_python_cans_defaults() -> None:
    rows = mf4._rows(chunk(BusChannel=None, IDE=None, Dir=None, EDL=None), 10.0)
    assert rows is not None
    assert [row[1:4] + row[5:] for row in rows] == [
        ("", 0x123, True, "rx", False), ("", 0x456, True, "rx", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"DataBytes": np.zeros((2, 8), "i1")},
        {"DataBytes": np.zeros(2, "u1")},
        {"DataBytes": None},
        {"DataLength": np.array([2, -1], "i1")},
        {"DataLength": np.array([2.0, np.nan])},
        {"ID": np.array([1.0, np.inf])},
        {"ID": np.array([b"1", b"2"], "S1")},
        {"IDE": np.zeros((2, 2), "u1")},
        {"BRS": np.zeros((2, 2), "u1")},
        {"Dir": np.array([b"Rx", "Tx"], "U2")},
    ],
    ids=str,
)
def test_columns_that_are_not_plain_are_left_to_python_can(changed: dict[str, Any]) -> None:
    assert mf4._rows(chunk(**changed), 10.0) is None


def test_records_and_times_that_differ_in_number_are_left_to_python_can() -> None:
    odd = chunk()
    odd.timestamps = odd.timestamps[:1]
    assert mf4._rows(odd, 10.0) is None
    odd.samples = odd.samples[:0]
    odd.timestamps = odd.timestamps[:0]
    assert mf4._rows(odd, 10.0) is None


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Cut off, or with some bytes that are others."""
    if chance.random() < 0.3:
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    begins = chance.choice([0, len(data) // 4])
    for _ in range(chance.choice([1, 10, 100])):
        changed[chance.randrange(begins, len(data))] = chance.choice(
            [0, 255, chance.randrange(256)]
        )
    return bytes(changed)


def test_a_damaged_generated_drive_is_read_alike(tmp_path: Path) -> None:
    data = write(tmp_path / "drive.mf4", own_drive(250)).read_bytes()
    chance, kinds = random.Random(11), set()
    for _ in range(12):
        (tmp_path / "damaged.mf4").write_bytes(damaged(data, chance))
        found = same(tmp_path / "damaged.mf4")
        kinds.add(isinstance(found, str) or found[1].truncated)
    assert kinds == {True, False}


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_LOG_EARLIER, GNSS_DBC)
def test_recorded_drives_are_read_by_their_columns(by_python_can: list[int]) -> None:
    for path, frames in ((GNSS_LOG, 4_024), (GNSS_LOG_EARLIER, 5_588)):
        found = read(path)
        assert by_python_can == []
        assert found == read_the_long_way(path)
        assert not isinstance(found, str) and found[1].data == frames
        by_python_can.clear()


@pytest.mark.shared_data
@needs(GNSS_LOG, GNSS_LOG_EARLIER)
def test_damaged_recorded_drives_are_read_alike(tmp_path: Path) -> None:
    chance = random.Random(13)
    for n in range(6):
        data = (GNSS_LOG, GNSS_LOG_EARLIER)[n % 2].read_bytes()
        (tmp_path / "damaged.mf4").write_bytes(damaged(data, chance))
        same(tmp_path / "damaged.mf4")
