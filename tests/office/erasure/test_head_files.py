"""A day's head is written once, whole or not at all, and a file that is none is named."""

from pathlib import Path

import pytest

from office.erasure.head_files import keep_head, kept_heads
from office.erasure.receipt_chain import Head, head_of
from office.errors import OfficeError
from tests.office.erasure.test_receipt_chain import KEY, WHOLE


def of_day(day: str, number: int = 6) -> Head:
    return head_of(day, number, WHOLE[number - 1].hash, KEY.sign)


def test_a_day_keeps_the_head_that_it_got_first(tmp_path: Path) -> None:
    folder = tmp_path / "heads"
    assert kept_heads(folder) == ([], [])
    first = of_day("2026-11-30", 4)
    assert keep_head(folder, first)
    assert not keep_head(folder, of_day("2026-11-30"))
    assert keep_head(folder, of_day("2026-11-29"))
    assert kept_heads(folder) == ([of_day("2026-11-29"), first], [])
    assert sorted(one.name for one in folder.iterdir()) == ["2026-11-29.json", "2026-11-30.json"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 10_000, b"\xff", b'{"day": 1}'])
def test_a_file_that_holds_no_head_is_named(tmp_path: Path, content: bytes) -> None:
    keep_head(tmp_path, of_day("2026-11-29"))
    (tmp_path / "2026-11-30.json").write_bytes(content)
    (tmp_path / "README.md").write_bytes(b"what others put there is theirs")
    found = kept_heads(tmp_path)
    assert [head.day for head in found.heads] == ["2026-11-29"]
    assert found.faults == ["2026-11-30.json holds no head of that day"]


def test_a_head_under_another_day_is_none_of_that_day(tmp_path: Path) -> None:
    keep_head(tmp_path, of_day("2026-11-29"))
    (tmp_path / "2026-11-29.json").rename(tmp_path / "2026-11-28.json")
    assert kept_heads(tmp_path) == ([], ["2026-11-28.json holds no head of that day"])


def test_a_folder_that_is_a_file_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("")
    with pytest.raises(OfficeError, match="cannot be kept"):
        keep_head(tmp_path / "heads", of_day("2026-11-29"))
