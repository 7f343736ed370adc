"""The captures that were tried from outside, where they lie: every file read, or its refusal."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.can.recording import Recording
from ingest.logs.capture import Capture
from ingest.refused import Refused
from telemetry.identity import DeviceId
from tests.ingest.captures import ALL_PATHS, CATALOGUE, needs

CASES = Path(__file__).parents[3] / "shared" / "cases"
VEHICLE, LOGS = CASES / "vehicle", CASES / "logs"
NOW_MS = 1_795_946_500_000
TOKYO = ZoneInfo("Asia/Tokyo")
SPEED, RPM = "Vehicle.Speed", "Vehicle.Powertrain.CombustionEngine.Speed"
Readings = list[tuple[datetime, Any]]

pytestmark = [pytest.mark.shared_data, needs(VEHICLE / "drive.dbc", LOGS / "drive.dbc")]


def capture(log: Path, folder: Path | None = None, **names: str) -> Recording:
    beside = folder or log.parent
    dbc, signals = names.get("dbc", "drive.dbc"), names.get("map", "drive.yaml")
    return Recording(log, beside / dbc, str(beside / signals), CATALOGUE, TOKYO)


def read(recording: Recording, *, keep_time: bool = False) -> Mapping[str, Readings]:
    found: dict[str, Readings] = {}
    for envelope in recording.envelopes(DeviceId("d"), ALL_PATHS, NOW_MS, keep_time=keep_time):
        for path, column in envelope.series.items():
            times = (envelope.clock.t0 + timedelta(milliseconds=dt) for dt in column.dt)
            found.setdefault(path, []).extend(zip(times, column.value, strict=True))
    assert recording.counts.unaccounted(recording.capture.counts) == 0
    return found


def values(found: Mapping[str, Readings]) -> dict[str, list[Any]]:
    return {path: [value for _, value in readings] for path, readings in found.items()}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SECONDS = [at(f"2026-11-20T10:15:{second}") for second in (30, 31, 32)]
HALVES = [SECONDS[0] + timedelta(milliseconds=500 * n) for n in range(4)]
WALLS = {
    "06-blf-wallclock.blf": SECONDS,
    "06-same-drive.asc": SECONDS,
    "06-same-drive.trc": SECONDS,
    "08-bom.asc": SECONDS,
    "08-bom.trc": SECONDS,
    "08-utf16.asc": SECONDS,
    "08-bom-dec.asc": HALVES[:3],
    "08-bom-relative.asc": HALVES,
    "08-nobom-relative.asc": HALVES,
    "40-german.asc": [at("2026-03-20T10:15:30.5")],
    "41-negative.asc": [at("2026-11-20T10:15:29.5"), at("2026-11-20T10:15:30.5")],
    "42-fd.asc": HALVES[1:2],
    "25-dlc.asc": SECONDS,
    "25-dlc.trc": [at("2026-11-20T10:15:29.952"), at("2026-11-20T10:15:30.952")],
    "44-rtr.trc": [at("2026-11-20T10:15:29.952"), at("2026-11-20T10:15:29.955")],
    "08-bom.log": [at("2026-11-29T10:00:00"), at("2026-11-29T10:00:01")],
    "21-clock-jump.log": [at("2026-11-29T10:00:00"), at("2026-11-29T10:00:01")],
}


@pytest.mark.parametrize(("name", "times"), WALLS.items(), ids=list(WALLS))
def test_a_capture_has_its_instants_and_its_values(name: str, times: list[datetime]) -> None:
    found = read(capture(VEHICLE / name), keep_time=True)
    assert found == {
        SPEED: [(time, 50.0) for time in times],
        RPM: [(time, 800.0) for time in times],
    }


@pytest.mark.parametrize("name", ["08-bom-dec-twodigit.asc", "08-nobom-dec-twodigit.asc"])
def test_a_mark_costs_a_decimal_log_nothing(name: str) -> None:
    assert values(read(capture(VEHICLE / name))) == {SPEED: [25.7], RPM: [788.0]}


@pytest.mark.parametrize("dbc", ["ascii-bom", "latin", "sjis", "utf8-bom", "utf8"])
def test_a_database_is_read_whatever_its_encoding(dbc: str) -> None:
    recording = capture(VEHICLE / "09-one-frame.log", dbc=f"09-{dbc}.dbc")
    assert values(read(recording)) == {SPEED: [50.0], RPM: [800.0]}


@pytest.mark.parametrize(
    ("log", "count"), [("25-dlc.log", 3), ("47-uptime.log", 2), ("21-clock-jump.log", 4)], ids=str
)
def test_a_capture_is_moved_to_now_with_all_its_values(log: str, count: int) -> None:
    found = read(capture(VEHICLE / log))
    assert values(found) == {SPEED: [50.0] * count, RPM: [800.0] * count}
    assert found[SPEED][-1][0] == datetime.fromtimestamp(NOW_MS / 1000, UTC)


@pytest.mark.parametrize(
    ("log", "speeds", "bad", "bad_stamps"),
    [
        ("drive.log", [43.2, 43.56], 0, 0),
        ("short.log", [43.2, 43.56], 0, 0),
        ("display.log", [43.2, 43.56], 0, 0),
        ("relative.log", [43.2, 43.56], 0, 0),
        ("wild-stamp.log", [43.2, 43.56], 0, 1),
        ("clock-set-late.log", [43.2, 43.2, 43.56, 43.56], 0, 0),
        ("cut.log", [43.2], 1, 0),
    ],
    ids=lambda cell: cell if isinstance(cell, str) else "",
)
def test_a_log_gives_its_speeds_and_counts_the_rest(
    log: str, speeds: list[float], bad: int, bad_stamps: int
) -> None:
    recording = capture(LOGS / log)
    assert values(read(recording))[SPEED] == speeds
    counts = recording.capture.counts
    assert (counts.bad, counts.bad_stamps, counts.truncated) == (bad, bad_stamps, bad > 0)


@pytest.mark.parametrize("log", ["relative.log", "display.log"])
def test_the_advice_for_times_that_cannot_be_kept_names_the_option(log: str) -> None:
    with pytest.raises(Refused, match="leave out --keep-time"):
        read(capture(LOGS / log), keep_time=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("29-mdf3.mdf", r"is MDF 3\.30, and only MDF 4 is read"),
        ("29-signals.mf4", "measured signals and no CAN frames"),
        ("45-canhacker.trc", "is a CANHacker trace"),
        ("46-crtd.log", "is a CRTD log"),
    ],
    ids=lambda cell: cell.split()[0],
)
def test_what_is_not_read_is_refused_with_the_way_in(name: str, said: str) -> None:
    with pytest.raises(Refused, match=rf"{said}.*: .+\. Read are"):
        for _ in Capture(VEHICLE / name).frames():
            pass


def test_pieces_of_a_long_message_have_a_reason_of_their_own(tmp_path: Path) -> None:
    path = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"
    (tmp_path / "isotp.dbc").write_bytes((LOGS / "isotp.dbc").read_bytes())
    (tmp_path / "own.yaml").write_text(
        f"map: m\nsignals:\n  Pack.Charge: {{path: {path}, unit: percent}}\n"
    )
    recording = capture(LOGS / "isotp.log", tmp_path, dbc="isotp.dbc", map="own.yaml")
    assert read(recording) == {}
    assert {str(why): n for why, n in recording.counts.undecoded.items()} == {"transport": 3}


def test_a_line_with_blanks_in_its_data_is_counted_as_bad() -> None:
    log = Capture(LOGS / "blanks.log")
    assert (list(log.frames()), log.counts.bad) == ([], 1)


def test_two_signals_of_one_path_are_two_readings() -> None:
    recording = capture(VEHICLE / "22-one-frame.log", dbc="23-wheels.dbc", map="23-wheels.yaml")
    assert values(read(recording)) == {SPEED: [50.0, 32.0]}


def test_a_signal_past_its_messages_end_is_judged_by_its_own_bits(tmp_path: Path) -> None:
    dbc = "48-signal-past-end.dbc"
    (tmp_path / dbc).write_bytes((VEHICLE / dbc).read_bytes())
    (tmp_path / "own.yaml").write_text(
        f"map: m\nsignals:\n  Motion.Speed: {{path: {SPEED}, unit: km/h}}\n"
    )
    log = VEHICLE / "48-signal-past-end.log"
    recording = capture(log, tmp_path, dbc=dbc, map="own.yaml")
    assert read(recording) == {}
    assert {str(why): n for why, n in recording.counts.unfit.items()} == {"out_of_range": 1}
