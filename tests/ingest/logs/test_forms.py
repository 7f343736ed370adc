"""What a form leaves open, and what python-can's readers leave out."""

import codecs
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.logs.capture import Capture
from ingest.logs.frame import LogCounts
from ingest.refused import Refused

EIGHT = "88 13 80 0C 00 00 00 00"
DATA = bytes.fromhex(EIGHT)
ASC_HEAD = (
    "date Fri Nov 20 07:15:30.000 pm 2026\n{base}  timestamps absolute\nno internal events logged\n"
)
ASC = ASC_HEAD.format(base="base hex")
TRC_1 = ";$FILEVERSION=1.1\n;$STARTTIME=46346.8024305556\n;\n"
TRC_2 = ";$FILEVERSION=2.1\n;$STARTTIME=46346.8024305556\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n;\n"
START_US = 1_795_202_130_000_000
"""2026-11-20T19:15:30Z"""


def read(path: Path, text: str | bytes) -> tuple[list[tuple[int, int, bytes]], LogCounts]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    capture = Capture(path)
    frames = [(f.t_us, f.id, f.data) for f in capture.frames()]
    return frames, capture.counts


@pytest.mark.parametrize("dlc", range(9, 16))
def test_a_classic_frame_of_dlc_9_to_15_has_eight_bytes(tmp_path: Path, dlc: int) -> None:
    logs = {
        "x.log": f"(1.0) can0 123#{DATA.hex()}_{dlc:X}\n",
        "x.asc": f"{ASC}   0.5 1  123             Rx   d {dlc:x} {EIGHT}\n",
        "1.trc": f"{TRC_1}     1)         0.0  Rx         0123  {dlc}  {EIGHT}\n",
        "2.trc": f"{TRC_2}      1         0.000 DT 1      0123 Rx -  {dlc}    {EIGHT}\n",
    }
    for name, text in logs.items():
        frames, counts = read(tmp_path / name, text)
        assert [frame[2] for frame in frames] == [DATA], name
        assert (counts.data, counts.bad) == (1, 0)


def test_an_fd_frame_that_holds_a_10_is_not_taken_for_a_long_one(tmp_path: Path) -> None:
    twelve = f"01 02 03 10 {EIGHT}"
    line = f"      1         0.000 FD 1      0123 Rx -  9    {twelve}\n"
    assert read(tmp_path / "x.trc", TRC_2 + line)[0][0][2] == bytes.fromhex(twelve)


SCREEN = {
    "absolute": (" (1700000000.500000)  can0  123   [8]  {data}\n", 1_700_000_000_500_000),
    "from zero": (" (000.500000)  can0  123   [8]  {data}\n", 500_000),
    "date": (" (2023-11-14 22:13:20.500000)  can0  123   [8]  {data}\n", 1_700_000_000_500_000),
    "directions": (" (1.000000)  can0  RX - -  123   [8]  {data}\n", 1_000_000),
    "with letters": (" (1.000000)  can0  123   [8]  {data}   '........'\n", 1_000_000),
}


@pytest.mark.parametrize("shown", SCREEN)
def test_what_candump_prints_on_a_screen_is_read(tmp_path: Path, shown: str) -> None:
    line, t_us = SCREEN[shown]
    frames, counts = read(tmp_path / "x.log", line.format(data=EIGHT))
    assert frames == [(t_us, 0x123, DATA)]
    assert counts.frames == 1


def test_screens_show_long_ids_fd_remote_and_error_frames(tmp_path: Path) -> None:
    frames, counts = read(
        tmp_path / "x.log",
        " (1.000000)  can0  18FEF100   [2]  01 02\n"
        f" (1.100000)  can0  123  [12]  01 02 03 04 {EIGHT}\n"
        " (1.200000)  can0  123   [4]  remote request\n"
        " (1.300000)  can0  20000004   [8]  00 04 00 00 00 00 00 00   ERRORFRAME\n"
        " (1.400000)  can0  123   [8]  01 02 0\n",
    )
    assert [(can_id, len(data)) for _, can_id, data in frames] == [(0x18FEF100, 2), (0x123, 12)]
    assert (counts.remote, counts.error, counts.bad) == (1, 1, 1)


def test_a_screen_that_shows_differences_or_no_times_is_refused(tmp_path: Path) -> None:
    deltas = "".join(f" (000.0{n % 7}0000)  can0  123   [1]  01\n" for n in range(50))
    with pytest.raises(Refused, match=r"-td.*-ta"):
        read(tmp_path / "x.log", deltas)
    with pytest.raises(Refused, match=r"without times.*candump -l"):
        read(tmp_path / "x.log", f"  can0  123   [8]  {EIGHT}\n")


ENCODED = {
    "utf-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16-be": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_text_log_is_read_alike_whatever_its_encoding(tmp_path: Path, encoding: str) -> None:
    frame = f"1  123             Rx   d 8 {EIGHT}\n"
    logs = {
        "x.log": f"(1.0) can0 123#{DATA.hex()}\n(2.0) can0 123#00\n",
        "relative.asc": ASC.replace("absolute", "relative") + f"   0.5 {frame}   0.5 {frame}",
        "decimal.asc": ASC_HEAD.format(base="base dec") + "   0.5 1  291  Rx   d 2 136 19\n",
        "x.trc": f"{TRC_2}      1         0.000 DT 1      0123 Rx -  8    {EIGHT}\n",
    }
    for name, text in logs.items():
        plain = read(tmp_path / name, text)
        assert plain[0] and plain[1].bad == 0
        assert read(tmp_path / name, ENCODED[encoding](text)) == plain, name


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_german_date_is_read(tmp_path: Path, encoding: str) -> None:
    text = ASC.replace("Fri Nov", "Fre Mär") + "   0.5 1  123             Rx   d 1 01\n"
    [(t_us, _, _)], _ = read(tmp_path / "x.asc", text.encode(encoding))
    assert t_us == 1_774_034_130_500_000


@pytest.mark.parametrize(
    ("date", "hour"),
    [("12:00:01 am", 0), ("12:00:01 pm", 12), ("07:00:01.5 pm", 19), ("19:00:01", 19)],
)
def test_hours_before_and_after_noon(tmp_path: Path, date: str, hour: int) -> None:
    text = ASC.replace("07:15:30.000 pm", date) + "   0.0 1  123             Rx   d 1 01\n"
    [(t_us, _, _)], _ = read(tmp_path / "x.asc", text)
    assert t_us // 3_600_000_000 % 24 == hour


def test_a_frame_before_the_start_of_an_asc_log_is_read(tmp_path: Path) -> None:
    frames, counts = read(
        tmp_path / "x.asc",
        f"{ASC}   -0.500000 1  123             Rx   d 8 {EIGHT}\n"
        "   1.5 1  EngineData      Rx   d 1 01\n   2.5 1  18FEF100x      Rx   r 8\n",
    )
    assert frames == [(START_US - 500_000, 0x123, DATA)]
    assert (counts.bad, counts.remote) == (1, 1)


def test_a_relative_time_begins_again_with_a_trigger_block(tmp_path: Path) -> None:
    frame = "1  123             Rx   d 1 01\n"
    block = "Begin Triggerblock Fri Nov 20 07:15:{} pm 2026\n   0.5 {}End TriggerBlock\n"
    text = ASC.replace("absolute", "relative") + "".join(
        block.format(second, frame) for second in ("40.000", "50.000")
    )
    stamps = [frame[0] - START_US for frame in read(tmp_path / "x.asc", text)[0]]
    assert stamps == [10_500_000, 20_500_000]


def test_a_text_log_cut_off_says_so(tmp_path: Path) -> None:
    whole = "(1.0) can0 123#0102\n(2.0) can0 123#0304\n"
    assert not read(tmp_path / "x.log", whole)[1].truncated
    assert read(tmp_path / "x.log", whole[:-3])[1].truncated
    block = ASC + "Begin Triggerblock Fri Nov 20 07:15:30.000 pm 2026\n   0.5 1  123  Rx   d 1 01\n"
    assert read(tmp_path / "x.asc", block)[1].truncated
    assert not read(tmp_path / "x.asc", block + "End TriggerBlock\n")[1].truncated


IMPOSSIBLE = {
    "candump, 12 bits": "(1.0) can0 FFF#01\n",
    "candump, 9 bytes of FD": f"(1.0) can0 123##1{'00' * 9}\n",
    "candump, 63 bytes of FD": f"(1.0) can0 123##1{'00' * 63}\n",
    "asc, 29 bits without x": f"{ASC}   0.5 1  18FEF100        Rx   d 8 {EIGHT}\n",
    "trc, 12 bits": f"{TRC_2}      1         0.000 DT 1      0FFF Rx -  8    {EIGHT}\n",
}


@pytest.mark.parametrize("text", IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_a_frame_that_cannot_exist_is_counted_as_garbled(tmp_path: Path, text: str) -> None:
    frames, counts = read(tmp_path / "x.log", text)
    assert (frames, counts.data, counts.bad) == ([], 0, 1)


@pytest.mark.parametrize("size", [0, 1, 8, 12, 16, 20, 24, 32, 48, 64])
def test_an_fd_frame_has_one_of_the_sizes_there_are(tmp_path: Path, size: int) -> None:
    frames, counts = read(tmp_path / "x.log", f"(1.0) can0 123##1{'00' * size}\n")
    assert (len(frames), counts.bad) == (1, 0)


MONTHS = [
    ("ven. nov.", 11), ("ven. févr.", 2), ("ven. fév", 2), ("ven. août", 8), ("ven. juil.", 7),
    ("ven. juillet", 7), ("ven. déc.", 12), ("vie. ene", 1), ("viernes enero", 1), ("vie sept.", 9),
    ("vie ago", 8), ("vie dic.", 12), ("vie abr", 4), ("Fr Mai", 5), ("Fre Mär", 3), ("Fr. März", 3),
    ("Fri Mrz", 3), ("Fr Okt", 10), ("Fr. Dez.", 12), ("Fre Mae", 3), ("金 11月", 11), ("(金) 3月", 3),
    ("Fri 11", 11), ("FRI NOVEMBER", 11), ("fri sept", 9),
]  # fmt: skip


@pytest.mark.parametrize(("written", "month"), MONTHS, ids=ascii)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "own"])
def test_a_header_is_read_in_the_language_of_its_machine(
    tmp_path: Path, written: str, month: int, encoding: str
) -> None:
    own = "cp1252" if written.isascii() or "月" not in written else "cp932"
    text = ASC.replace("Fri Nov", written) + f"   0.000000 1  123             Rx   d 8 {EIGHT}\n"
    frames, counts = read(tmp_path / "x.asc", text.encode(own if encoding == "own" else encoding))
    at = datetime(2026, month, 20, 19, 15, 30, tzinfo=UTC)
    assert [t_us for t_us, _, _ in frames] == [int(at.timestamp()) * 1_000_000]
    assert (counts.data, counts.bad) == (1, 0)


@pytest.mark.parametrize("written", ["ven jui", "Пт ноя", "ven 13", "ven 0", "Fri No", "Fri xyz"])
def test_a_month_that_cannot_be_meant_is_refused_with_the_way_in(
    tmp_path: Path, written: str
) -> None:
    text = ASC.replace("Fri Nov", written) + f"   0.000000 1  123             Rx   d 8 {EIGHT}\n"
    with pytest.raises(Refused, match=r"write its date as .*French, Spanish or Japanese"):
        read(tmp_path / "x.asc", text)


@pytest.mark.parametrize(
    ("last", "bad"),
    [
        ("d 4 176 4 112 23\n", 0),
        ("d 4 176 004  112 23\n", 0),
        ("d 4 176 4 112 23  Length = 200", 0),
        ("d 0", 0),
        ("d 4 176 4 112 2", 1),
        ("d 4 176 4 112 -2\n", 1),
        ("d 4 1_7 4 112 2\n", 1),
        ("d 4 276 4 112 2\n", 1),
    ],
    ids=["whole", "zeros", "more behind", "none", "cut", "negative", "garbled", "too large"],
)
def test_a_decimal_byte_is_believed_only_if_it_is_whole(
    tmp_path: Path, last: str, bad: int
) -> None:
    text = ASC_HEAD.format(base="base dec") + f"   0.5 1  291             Rx   {last}"
    frames, counts = read(tmp_path / "x.asc", text)
    assert (len(frames), counts.bad) == (1 - bad, bad)


@pytest.mark.parametrize(
    "later", ["base dec  timestamps absolute", "base hex  timestamps relative"]
)
def test_logs_put_together_that_count_in_two_ways_are_refused(tmp_path: Path, later: str) -> None:
    first = f"{ASC}   0.5 1  123             Rx   d 4 10 11 12 13\n"
    assert len(read(tmp_path / "x.asc", first + first)[0]) == 2
    with pytest.raises(Refused, match="changes its base or kind of timestamps: split it"):
        read(tmp_path / "x.asc", first + first.replace("base hex  timestamps absolute", later))
