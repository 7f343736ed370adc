"""What could not be accounted outlives its process, enters the ledger once, and stops nothing."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from roadfade.ledger_file import NOT_COUNTED, LedgerFile
from roadfade.unaccounted import _BYTES_MAX, ExpiredAccount, Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def notes(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.unaccounted-*"))


class Disk:
    """One that has room for the ledger, or has not."""

    is_full = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    whole, one = LedgerFile.add_expired, Disk()

    def add(ledger: LedgerFile, by_output: Mapping[str, int], journal: str = "") -> None:
        if one.is_full:
            raise sqlite3.OperationalError
        whole(ledger, by_output, journal)

    monkeypatch.setattr(LedgerFile, "add_expired", add)
    return one


def killed(path: Path, *sums: dict[str, int]) -> None:
    """A process that could account nothing and has ended: its lock went with it."""
    journal = Journal(path)
    for one in sums:
        journal.write(one)
    kept = notes(path)[-1].read_bytes()
    journal.drop()
    path.with_name(f"{path.name}.unaccounted-0").write_bytes(kept)


def test_what_a_process_could_not_account_enters_with_the_next(path: Path) -> None:
    killed(path, {"a": 2}, {"a": 2, "b": 3})
    account = ExpiredAccount(path)
    assert account.add({"a": 1}) is None
    assert account.add({}) is None
    assert LedgerFile(path).expired() == {"a": 3, "b": 3}
    assert notes(path) == []


def test_a_note_that_could_not_be_removed_enters_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(path, {"a": 2})

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refused)
    for _ in range(3):
        assert ExpiredAccount(path).add({}) is None
    assert LedgerFile(path).expired() == {"a": 2}


def test_a_living_process_accounts_its_own(path: Path, disk: Disk) -> None:
    disk.is_full = True
    first, other = ExpiredAccount(path), ExpiredAccount(path)
    assert first.add({"a": 2}) is not None
    disk.is_full = False
    assert other.add({"b": 1}) is None
    assert LedgerFile(path).expired() == {"b": 1}
    assert len(notes(path)) == 1
    assert first.add({"a": 1}) is None
    assert first.add({"a": 1}) is None
    assert LedgerFile(path).expired() == {"a": 4, "b": 1}
    assert notes(path) == []


def test_what_was_left_is_told_while_the_ledger_cannot_take_it(path: Path, disk: Disk) -> None:
    killed(path, {"a": 2})
    disk.is_full = True
    account = ExpiredAccount(path)
    assert account.add({"b": 3}) is not None
    assert account.waiting == 5
    disk.is_full = False
    assert account.add({}) is None
    assert (account.waiting, LedgerFile(path).expired()) == (0, {"a": 2, "b": 3})


def test_without_room_for_a_note_it_waits_in_the_process(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> int:
        raise OSError(28, "No space left on device")

    disk.is_full = True
    account = ExpiredAccount(path)
    with monkeypatch.context() as patches:
        patches.setattr("roadfade.unaccounted.os.write", no_room)
        assert account.add({"a": 2}) is not None
    disk.is_full = False
    assert account.add({}) is None
    assert LedgerFile(path).expired() == {"a": 2}


NOTES = [
    ("empty", b"", {}),
    ("cut off in its second line", b'\n{"a": 2}\n\n{"a": 5', {"a": 2}),
    ("garbage", b"\xff\x00" * 50 + b"\n", {}),
    ("counts that are none", b'\n{"a": -1}\n\n{"a": "x"}\n\n{"a": true}\n\n[1]\n', {}),
    ("a number that no ledger takes", b'\n{"a": %d}\n' % 10**30, {}),
    ("nested without end", b"[" * 60_000 + b"\n", {}),
]


@pytest.mark.parametrize(
    ("text", "taken"), [one[1:] for one in NOTES], ids=[one[0] for one in NOTES]
)
def test_a_damaged_note_costs_what_it_cannot_say(
    path: Path, text: bytes, taken: dict[str, int]
) -> None:
    path.with_name(f"{path.name}.unaccounted-0").write_bytes(text)
    assert ExpiredAccount(path).add({"b": 1}) is None
    assert LedgerFile(path).expired() == {"b": 1, **taken}
    assert notes(path) == []


def test_a_note_stays_small(path: Path, disk: Disk) -> None:
    disk.is_full = True
    account = ExpiredAccount(path)
    for _ in range(100):
        account.add({"o" * 1_000: 1})
    assert _BYTES_MAX / 4 < notes(path)[0].stat().st_size <= _BYTES_MAX + 2_000


def test_files_that_nobody_could_count_are_no_readings_that_wait(path: Path, disk: Disk) -> None:
    disk.is_full = True
    account = ExpiredAccount(path)
    account.add({"research": 3, NOT_COUNTED: 2})
    assert account.waiting == 3
    disk.is_full = False
    account.add({})
    assert (account.waiting, LedgerFile(path).files_not_counted()) == (0, 2)
