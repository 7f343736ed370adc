"""A line is read without python-can only if python-can would read it alike."""

import random
from collections.abc import Iterator
from datetime import UTC
from io import StringIO
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.sniff import Form
from ingest.logs.text import read_text
from ingest.logs.usual_line import UsualLines
from tests.ingest.captures import CANDUMP_LOG, needs, own_drive

Read = tuple[list[LoggedFrame], LogCounts]


def read(text: str) -> Read:
    counts = LogCounts()
    return list(read_text(Form.CANDUMP, StringIO(text), counts, UTC)), counts


def read_the_long_way(text: str) -> Read:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UsualLines, "read", lambda _self, _line: None)
        return read(text)


USUAL: Final = "(1700000000.123456) can0 123#0011AAff\n"
LINES: Final = (
    USUAL,
    "(1.5) can0 123#\n",
    "(0.0) 0 7FF#00\n",
    "(000000000001.1) 007 1FFFFFFF#0011223344556677 R\n",
    "(1700000000.5) slcan#1 80000123#00 t\n",
    "(1700000000.5) R 123#00 T\n",
)
_THREE: Final = "\N{FULLWIDTH DIGIT THREE}"
ODD: Final = (
    "(1.5) can0 20000123#0011\n", "(1.5) can0 20000080#0011\n", "(1.5) can0 FFFFFFFF#0011\n",
    "(1.5) can0 800#00\n", "(1.5) can0 FFF#00\n", "(1.5) can0 123#R8\n", "(1.5) can0 123#R\n",
    "(1.5) can0 123##0001122\n", "(1.5) can0 123##1" + "00" * 64 + "\n", "(1.5) can0 123##1" + "00" * 9 + "\n",
    "(1.5) can0 123#001\n", "(1.5) can0 123#" + "00" * 9 + "\n", "(1.5) can0 123#0011223344556677_9\n",
    "(1.5) can0 1234#00\n", "(1.5)  can0  123#00\n", " (1.5) can0 123#00\n", "(1.5) can0 123#00 \n",
    "(-1.5) can0 123#00\n", "(1) can0 123#00\n", "(.5) can0 123#00\n", "(1.5) 123#00\n", "(1.5) can0 123 00\n",
    "(nan) can0 123#00\n", "(" + "9" * 400 + ".0) can0 123#00\n", "(1.5) can0 123#00 X\n", "(1.5) can0 123#00 R T\n",
    "(2023-11-14 22:13:20.5) can0 123#00\n", "(1.5) can0 123 [2] 00 11\n", "(1.5) can0 RX - - 123 [02] 00 11\n",
    f"(1.5) {_THREE} 123#00\n", f"({_THREE}.{_THREE}) can0 123#00\n", f"(1.5) can0 12{_THREE}#00\n", "(1.5) " + "9" * 5_000 + " 123#00\n",
    "\n", "# a comment\n", "(1.5) can0 123#00\x1c\n", "(1.5) can0\x1c123#00\n", "(1.5) can0 123#00\r",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_usual_line_is_read_without_python_can_and_alike(line: str) -> None:
    frame = UsualLines().read(line)
    frames, counts = read_the_long_way(line)
    assert [frame] == frames
    assert counts.data == 1


@pytest.mark.parametrize("line", ODD)
def test_an_odd_line_is_judged_as_it_was(line: str) -> None:
    assert UsualLines().read(line) is None
    assert read(USUAL + line + USUAL) == read_the_long_way(USUAL + line + USUAL)


def texts() -> st.SearchStrategy[str]:
    lines = st.sampled_from(LINES + ODD)
    letters = st.sampled_from([*"()#. _RrTt\n\r0123456789abcdefABCDEF", "can0", " ", "##1", "é"])

    def spoilt(parts: tuple[str, int, str]) -> str:
        line, at, put = parts
        return line[: at % len(line)] + put + line[at % len(line) + len(put) % 2 :]

    changed = st.tuples(lines, st.integers(0, 60), letters).map(spoilt)
    return st.lists(lines | changed, max_size=12).map("".join)


@given(texts())
@example(USUAL * 2 + "(1.5) can0 123#00")
@example("x" * 5_000 + USUAL + USUAL)
def test_a_log_of_usual_and_odd_lines_gives_the_same_frames_and_counts(text: str) -> None:
    assert read(text) == read_the_long_way(text)


def test_a_usual_log_asks_python_can_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_of_it(_self: object) -> Iterator[object]:
        raise AssertionError

    text = "".join(
        f"({m.timestamp:.6f}) can1 {m.arbitration_id:0{8 if m.is_extended_id else 3}X}#{m.data.hex()}\n"
        for m in own_drive(3)
    )
    whole = read_the_long_way(text)
    monkeypatch.setattr("ingest.logs.text._BAD_LINE", ())
    monkeypatch.setattr("ingest.logs.lines.LineFeed.claim", none_of_it)
    assert read(text) == whole
    assert whole[1].data == 15


def test_more_ids_than_are_remembered_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.logs.usual_line._SENDERS_MAX", 2)
    text = "".join(f"(1.5) can0 {can_id:03X}#00\n" for can_id in (1, 2, 3, 1, 3))
    assert [frame.id for frame in read(text)[0]] == [1, 2, 3, 1, 3]


@pytest.mark.shared_data
@needs(CANDUMP_LOG)
def test_a_recorded_log_and_what_damage_leaves_of_it_are_read_alike() -> None:
    text = CANDUMP_LOG.read_text()
    assert read(text) == read_the_long_way(text)
    chance = random.Random(7)
    for _ in range(20):
        begins = chance.randrange(len(text) - 20_000)
        letters = list(text[begins : begins + 20_000])
        for _ in range(chance.choice([1, 20, 200])):
            letters[chance.randrange(len(letters))] = chance.choice("\n #()0RT_.x")
        assert read("".join(letters)) == read_the_long_way("".join(letters))
