"""One wall clock is one instant, in every form and on every machine."""

import struct
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import can
import pytest

from ingest.logs.capture import Capture
from ingest.logs.clock import WallClock
from ingest.logs.frame import LogCounts
from tests.ingest.captures import write
from tests.ingest.logs.test_forms import ASC, TRC_2

TOKYO = ZoneInfo("Asia/Tokyo")
WALL = datetime(2026, 11, 20, 19, 15, 30)  # noqa: DTZ001  # a wall clock has no zone
INSTANT_US = 1_795_169_730_000_000
"""2026-11-20T10:15:30Z, which is WALL in Tokyo."""


MACHINES = ["UTC", "America/New_York", "Asia/Tokyo"]
NAMES = ["x.asc", "x.trc", "x.log", "drive.blf", "drive.mf4"]


def machine(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()


@pytest.fixture(autouse=True)
def _back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    time.tzset()


def on_a_wall(folder: Path) -> None:
    """The same frame at WALL: what Vector, PEAK and others write, none with a zone."""
    (folder / "x.asc").write_text(f"{ASC}   0.000000 1  123             Rx   d 1 01\n")
    (folder / "x.trc").write_text(f"{TRC_2}      1         0.000 DT 1      0123 Rx -  1    01\n")
    (folder / "x.log").write_text(f" ({WALL}.000000)  can0  123   [1]  01\n")
    misread_s = 1_795_202_130
    frame = can.Message(timestamp=misread_s, arbitration_id=0x123, data=b"\1", channel=1)
    write(folder / "drive.blf", [frame])
    write(folder / "drive.mf4", [frame])


def flags_of(mf4: bytes | bytearray) -> int:
    """Where the header (ASAM MDF 4.1, HDBLOCK) keeps its flags of time."""
    return 64 + 24 + 8 * int.from_bytes(mf4[80:88], "little") + 12


@pytest.mark.parametrize("zone", MACHINES)
@pytest.mark.parametrize("name", NAMES)
def test_a_wall_clock_is_placed_in_its_zone(
    tmp_path: Path, name: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, "UTC")
    on_a_wall(tmp_path)
    mf4 = (tmp_path / "drive.mf4").read_bytes()
    assert mf4[flags_of(mf4)] == 1  # local time
    machine(monkeypatch, zone)
    [frame] = Capture(tmp_path / name, TOKYO).frames()
    assert frame.t_us == INSTANT_US


@pytest.mark.parametrize("zone", MACHINES)
def test_an_mf4_that_says_utc_is_left_alone(
    tmp_path: Path, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, "UTC")
    frame = can.Message(timestamp=1_700_000_000.5, arbitration_id=1, data=b"\1", channel=1)
    path = write(tmp_path / "drive.mf4", [frame])
    whole = bytearray(path.read_bytes())
    at = flags_of(whole)
    whole[at - 4 : at + 1] = struct.pack("<hhB", 540, 0, 2)  # nine hours ahead, and that is valid
    path.write_bytes(whole)
    machine(monkeypatch, zone)
    [read] = Capture(path, TOKYO).frames()
    assert read.t_us == 1_700_000_000_500_000


def test_summer_and_winter_are_told_apart() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    july_s, january_s = 1_783_000_000, 1_768_000_000
    assert WallClock(berlin, LogCounts()).replace(july_s) == (july_s - 2 * 3_600) * 1_000_000
    assert WallClock(berlin, LogCounts()).replace(january_s) == (january_s - 3_600) * 1_000_000


NEW_YORK = ZoneInfo("America/New_York")
FOLD_S = 1_793_512_800
"""2026-11-01T06:00:00Z: two o'clock of the summer is one o'clock again."""


def dated(stamps: list[str], day: str = "2026-11-01") -> str:
    return "".join(f" ({day} {at}.000000)  can0  123   [1]  01\n" for at in stamps)


def seconds_after_fold(capture: Capture) -> list[int]:
    return [frame.t_us // 1_000_000 - FOLD_S for frame in capture.frames()]


def test_an_hour_that_is_shown_twice_is_told_apart_by_the_logs_own_order(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(dated(["00:59:59", "01:30:00", "01:59:59", "01:00:00", "01:30:00", "02:00:00"]))
    capture = Capture(log, NEW_YORK)
    assert seconds_after_fold(capture) == [-3601, -1800, -1, 0, 1800, 3600]
    assert (capture.counts.shown_twice, capture.counts.never_shown) == (4, 0)
    assert len(capture.timeline().parts) == 1


def test_frames_of_two_buses_that_were_merged_do_not_begin_the_second_hour(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(dated(["01:30:00", "01:29:59", "01:30:01"]))
    assert seconds_after_fold(Capture(log, NEW_YORK)) == [-1800, -1801, -1799]


def test_a_log_that_begins_in_such_an_hour_is_told_to(tmp_path: Path) -> None:
    for name, text in {
        "x.asc": ASC.replace("Fri Nov 20 07:15:30.000 pm", "Sun Nov 1 01:15:30.000 am")
        + "   0.000000 1  123             Rx   d 1 01\n",
        "x.log": dated(["01:15:30"]),
    }.items():
        (tmp_path / name).write_text(text)
        capture = Capture(tmp_path / name, NEW_YORK)
        assert seconds_after_fold(capture) == [-2670], name
        assert capture.counts.shown_twice == 1


def test_an_hour_that_is_never_shown_is_told(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text(dated(["01:59:59", "02:30:00", "03:00:00"], "2026-03-08"))
    capture = Capture(log, NEW_YORK)
    list(capture.frames())
    assert (capture.counts.shown_twice, capture.counts.never_shown) == (0, 1)


@pytest.mark.parametrize("ms", [0, 1, 7, 44, 99, 100, 999])
def test_milliseconds_without_their_zeros_are_milliseconds(tmp_path: Path, ms: int) -> None:
    """python-can writes 7 ms past a second as ``.7``."""
    at_s = INSTANT_US / 1_000_000 + ms / 1_000 + 0.000_25
    frame = can.Message(timestamp=at_s, arbitration_id=0x123, data=b"\1", channel=1)
    (read,) = Capture(write(tmp_path / "drive.asc", [frame]), ZoneInfo("UTC")).frames()
    assert read.t_us // 1_000 == INSTANT_US // 1_000 + ms
