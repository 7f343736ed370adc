"""A database is read whatever encoding its comments are in."""

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.can.database import load_database
from ingest.can.decode import load_decoder
from ingest.refused import Refused

DBC = """VERSION ""

BO_ 291 Motion: 8 Node
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" Node
 SG_ Engine : 16|16@1+ (0.25,0) [0|16000] "rpm" Node

CM_ SG_ 291 Speed "{speed}";
CM_ SG_ 291 Engine "{engine}";
"""
GERMAN = DBC.format(speed="Fahrgeschwindigkeit über Boden", engine="°C")
JAPANESE = DBC.format(speed="車速の表", engine="エンジン回転数一覧表")
"""表 ends with the byte of a backslash in Shift-JIS: before a quote it seems to escape it."""
BY_ENCODING: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "utf-8": (JAPANESE, str.encode),
    "utf-8 with a mark": (JAPANESE, lambda text: codecs.BOM_UTF8 + text.encode()),
    "ascii with a mark": (DBC, lambda text: codecs.BOM_UTF8 + text.encode()),
    "cp1252": (GERMAN, lambda text: text.encode("cp1252")),
    "shift-jis": (JAPANESE, lambda text: text.encode("cp932")),
    "utf-16": (JAPANESE, lambda text: text.encode("utf-16")),
    "utf-16-be": (JAPANESE, lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be")),
    "utf-16 without a mark": (GERMAN, lambda text: text.encode("utf-16-le")),
    "crlf": (GERMAN, lambda text: text.replace("\n", "\r\n").encode()),
}


@pytest.mark.parametrize("encoding", BY_ENCODING)
def test_a_database_is_read_whatever_its_encoding(tmp_path: Path, encoding: str) -> None:
    text, encode = BY_ENCODING[encoding]
    path = tmp_path / "x.dbc"
    path.write_bytes(encode(text))
    [message] = load_database(path).messages
    assert [(s.name, s.scale, s.unit) for s in message.signals] == [
        ("Speed", 0.01, "km/h"),
        ("Engine", 0.25, "rpm"),
    ]
    comment = str(message.get_signal_by_name("Speed").comment)
    assert comment in text


@pytest.mark.parametrize("name", ["x.DBC", "x.txt", "x"], ids=["upper", "other", "none"])
def test_a_database_is_read_whatever_its_suffix(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(GERMAN, encoding="utf-8-sig")
    assert set(load_decoder(tmp_path / name).by_id) == {(False, 291)}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\0", bytes(range(256)), b"not a database"],
    ids=["empty", "half a mark", "bytes", "text"],
)  # fmt: skip
def test_what_is_no_database_is_refused_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.dbc").write_bytes(content)
    with pytest.raises(Refused, match=r"x\.dbc cannot be read as a CAN database.*save it again"):
        load_database(tmp_path / "x.dbc")


def test_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"x\.dbc cannot be read as a CAN database: No such file"):
        load_database(tmp_path / "x.dbc")


TRUCK = """VERSION ""

BO_ 2566844926 CCVS1: 8 N
 SG_ Speed : 8|16@1+ (0.00390625,0) [0|250.996] "km/h" N
BO_ 291 Own: 8 N
 SG_ Engine : 8|16@1+ (1,0) [0|0] "rpm" N
"""
BUS = """
BA_DEF_ "ProtocolType" STRING ;
BA_DEF_DEF_ "ProtocolType" "{default}";
"""


@pytest.mark.parametrize(
    ("more", "protocols"),
    [
        (BUS.format(default="") + 'BA_ "ProtocolType" "J1939";', ["j1939", None]),
        (BUS.format(default="J1939"), ["j1939", None]),
        (BUS.format(default="CAN"), [None, None]),
        ("", [None, None]),
    ],
    ids=["said", "by default", "another", "nothing"],
)
def test_a_bus_that_is_said_to_be_j1939_marks_its_long_ids(
    tmp_path: Path, more: str, protocols: list[str | None]
) -> None:
    (tmp_path / "x.dbc").write_text(TRUCK + more)
    assert [one.protocol for one in load_database(tmp_path / "x.dbc").messages] == protocols


SPANS = {
    "0-9": True,
    "0-4294967295": False,
    "0 -4294967295": False,
    "0+4294967295": False,
    "0-42949672950000000000": False,
}
"""Ranges as the reader of DBC takes them, and whether they are read."""


def test_a_range_of_codes_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    ranged = DBC.replace("SG_ Speed", "SG_ Speed M").replace("SG_ Engine", "SG_ Engine m1")
    for span, kept in SPANS.items():
        (tmp_path / "x.dbc").write_text(f"{ranged}\nSG_MUL_VAL_ 291 Engine Speed {span};\n")
        if kept:
            [message] = load_database(tmp_path / "x.dbc").messages
            assert message.get_signal_by_name("Engine").multiplexer_ids == list(range(10))
            continue
        with pytest.raises(Refused, match=r"names \d+ codes .* at most 1000000 are read"):
            load_database(tmp_path / "x.dbc")
