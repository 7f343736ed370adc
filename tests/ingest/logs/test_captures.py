import gc
import sys
from datetime import timedelta, timezone
from pathlib import Path

import can
import pytest

from ingest.logs.capture import Capture
from ingest.logs.frame import LoggedFrame
from ingest.logs.sniff import Form, sniff
from ingest.refused import Refused
from tests.ingest.captures import CANDUMP_LOG, FORMS, TEXT_FORMS, WRITERS, needs, own_drive, write


def frames(path: Path) -> tuple[list[LoggedFrame], Capture]:
    capture = Capture(path)
    return list(capture.frames()), capture


def from_the_last(read: list[LoggedFrame]) -> list[tuple[int, int, bool, bytes, str]]:
    last_us = max(frame.t_us for frame in read)
    return [(f.t_us - last_us, f.id, f.ext, f.data, f.direction) for f in read]


def test_all_forms_of_one_capture_give_the_same_frames(tmp_path: Path) -> None:
    drive = own_drive()
    read = [from_the_last(frames(write(tmp_path / name, drive))[0]) for name in WRITERS]
    assert len(read[0]) == len(drive)
    assert all(form == read[0] for form in read)
    for message, frame in zip(drive, read[0], strict=True):
        assert (message.arbitration_id, bytes(message.data)) == (frame[1], frame[3])


def test_a_form_is_recognised_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    assert set(FORMS.values()) == set(Form)
    for name, form in FORMS.items():
        path = write(tmp_path / name, own_drive(2)).rename(tmp_path / "capture.bin")
        assert sniff(path).form is form


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("***BUSMASTER Ver 3***\n", "BUSMASTER"),
        ("Time Stamp,ID,Extended,Dir\n", "GVRET"),
        ("", "no known form"),
    ],
)
def test_a_strange_file_is_refused_with_what_it_is(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(text)
    with pytest.raises(Refused, match=named):
        Capture(path)


@pytest.mark.parametrize("name", TEXT_FORMS)
def test_a_garbled_or_cut_line_is_counted_and_the_stream_goes_on(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, own_drive(5))
    whole, _ = frames(path)
    lines = path.read_text().splitlines()
    at = next(
        n
        for n, line in enumerate(lines)
        if " 7FF " in f" {line.upper()} ".replace("#", " ") or "07FF" in line
    )
    lines[at] = lines[at].removesuffix(" R").removesuffix(" T")[:-1]
    lines[at + 1] = lines[at + 1][: len(lines[at + 1]) // 2]
    lines.insert(
        at + 4,
        "(12.5) ???"
        if name == "candump.log"
        else "  9 zz ??"
        if name == "drive.trc"
        else "  1.5 1 ZZ Rx d 8 00",
    )
    path.write_text("\n".join(lines) + "\n")
    read, capture = frames(path)
    assert capture.counts.bad == 3
    assert len(read) == len(whole) - 2
    assert capture.counts.frames == len(read)
    assert {frame.data for frame in read} <= {frame.data for frame in whole}


def test_a_whole_file_of_garbage_lines_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(
        "(1.0) can0 123#00\n" + "garbage\n" * 500 + "x" * 10_000 + "\n(2.0) can0 123#01\n"
    )
    read, capture = frames(path)
    assert [frame.data for frame in read] == [b"\x00", b"\x01"]
    assert capture.counts.bad == 503


def test_error_and_remote_frames_are_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("(1.0) can0 20000004#0000000000000000\n(1.1) can0 123#R4\n(1.2) can0 123#00\n")
    read, capture = frames(path)
    assert len(read) == 1
    assert (capture.counts.error, capture.counts.remote, capture.counts.frames) == (1, 1, 3)


@pytest.mark.parametrize("name", ["drive.asc", "drive.blf", "drive.mf4"])
def test_error_frames_of_every_form_that_has_them_are_no_data(tmp_path: Path, name: str) -> None:
    error = can.Message(timestamp=1_700_000_000, is_error_frame=True, channel=1)
    path = write(tmp_path / name, [error, *own_drive(1)])
    read, capture = frames(path)
    assert capture.counts.error == 1
    assert len(read) == len(own_drive(1))


def test_an_asc_date_without_a_zone_is_placed_where_it_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.asc"
    path.write_text(
        "date Tue Nov 14 22:13:20.000 2023\nbase hex  timestamps absolute\n"
        "no internal events logged\n   0.500000 1  123             Rx   d 1 01\n"
    )
    japan = timezone(timedelta(hours=9))
    assert next(Capture(path).frames()).t_us == 1_700_000_000_500_000
    assert next(Capture(path, japan).frames()).t_us == 1_700_000_000_500_000 - 9 * 3_600_000_000


def test_asc_times_relative_to_the_line_before_are_added_up(tmp_path: Path) -> None:
    path = tmp_path / "x.asc"
    path.write_text(
        "date Tue Nov 14 22:13:20.000 2023\nbase hex  timestamps relative\n"
        "no internal events logged\n   0.500000 1  123             Rx   d 1 01\n"
        "   0.250000 1  Statistic: D 0 R 0\n   0.250000 1  123             Rx   d 1 02\n"
    )
    assert [f.t_us - 1_700_000_000_000_000 for f in Capture(path).frames()] == [500_000, 1_000_000]


def test_an_asc_header_without_its_last_line_loses_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.asc"
    path.write_text(
        "date Tue Nov 14 22:13:20.000 2023\nbase hex\n 0.5 1  123  Rx   d 1 01\n 0.6 1  123  Rx   d 1 02\n"
    )
    assert len(frames(path)[0]) == 2


def test_a_header_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.asc"
    path.write_text("date Xxx no date at all\nbase hex\n 0.5 1  123  Rx   d 1 01\n")
    with pytest.raises(Refused, match="header"):
        list(Capture(path).frames())


def test_a_binary_log_cut_off_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.blf", own_drive(200))
    path.write_bytes(path.read_bytes()[:-200])
    read, capture = frames(path)
    assert capture.counts.truncated
    assert len(read) < len(own_drive(200))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # asammdf's __del__
def test_a_damaged_mf4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mf4"
    path.write_bytes(b"MDF     4.11    " + bytes(100))
    with pytest.raises(Refused, match="damaged"):
        list(Capture(path).frames())
    gc.collect()


def test_mf4_without_its_extra_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(1))
    monkeypatch.setitem(sys.modules, "asammdf", None)
    with pytest.raises(Refused, match=r"roadfade\[mf4\]"):
        list(Capture(path).frames())


@pytest.mark.shared_data
@needs(CANDUMP_LOG)
def test_the_recorded_candump_log_is_read_to_its_end() -> None:
    read, capture = frames(CANDUMP_LOG)
    assert len(read) == capture.counts.frames == 12_974
    assert (capture.counts.bad, capture.counts.other) == (0, 0)
    assert len({(frame.ext, frame.id) for frame in read}) == 180
