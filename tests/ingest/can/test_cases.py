"""The cases that were tried on the product from outside, as a user would: files in, readings out."""

from pathlib import Path

import pytest

from ingest.can.recording import Recording
from ingest.refused import Refused
from telemetry.identity import DeviceId
from tests.ingest.captures import ALL_PATHS, CATALOGUE, MODEL3_DBC, needs

CASES = Path(__file__).parents[4] / "shared" / "cases"
VEHICLE, LOGS = CASES / "vehicle", CASES / "logs"
NOW_MS = 1_795_946_500_000
SPEED, RPM = "Vehicle.Speed", "Vehicle.Powertrain.CombustionEngine.Speed"
CHARGE = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"
FIX, ALTITUDE = "Vehicle.CurrentLocation.GNSSReceiver.FixType", "Vehicle.CurrentLocation.Altitude"
CABLE = "Vehicle.Powertrain.TractionBattery.Charging.IsChargingCableConnected"

pytestmark = [pytest.mark.shared_data, needs(VEHICLE / "01-j1939-na.log", MODEL3_DBC)]


def read(recording: Recording) -> dict[str, list[object]]:
    values: dict[str, list[object]] = {}
    for envelope in recording.envelopes(DeviceId("d"), ALL_PATHS, NOW_MS):
        for path, column in envelope.series.items():
            values.setdefault(path, []).extend(column.value)
    assert recording.counts.unaccounted(recording.capture.counts) == 0
    return values


def case(name: str, **files: Path) -> Recording:
    whole = {kind: VEHICLE / f"{name}.{kind}" for kind in ("log", "dbc", "yaml")} | files
    return Recording(whole["log"], whole["dbc"], str(whole["yaml"]), CATALOGUE)


DRIVE = VEHICLE / "drive.yaml"
WARMTH = "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature"


@pytest.mark.parametrize(
    ("name", "files", "right"),
    [
        ("01-j1939-na", {}, {SPEED: [80.0], RPM: [1024.0], WARMTH: [52.0]}),
        ("19-tesla-sna", {"dbc": MODEL3_DBC, "yaml": Path("tesla_model3")}, {SPEED: [24.88]}),
        ("04-nan-enum", {}, {FIX: ["THREE_D", "TWO_D"], ALTITUDE: [12.5, 13.0, 13.5]}),
        ("05-inverted-flag", {}, {CABLE: [False, True], f"{RPM[:-6]}.IsRunning": [True, True]}),
        ("24-round-range", {}, {CHARGE: [100.0], "Vehicle.TraveledDistance": [100_000_000]}),
        ("10-short", {"yaml": DRIVE}, {SPEED: [50.0, 50.0], RPM: [800.0, 800.0]}),
        (
            "43-ids-and-types", {},
            {SPEED: [50.0], "Vehicle.ADAS.CruiseControl.SpeedSet": [50.0],
             "Vehicle.OBD.Speed": [50.0, 51.0], "Vehicle.TraveledDistance": [2_300_000]},
        ),
    ],
    ids=lambda cell: cell if isinstance(cell, str) else "",
)  # fmt: skip
def test_a_capture_gives_the_right_values_alone(
    name: str, files: dict[str, Path], right: dict[str, list[object]]
) -> None:
    assert read(case(name, **files)) == right


@pytest.mark.parametrize("dbc", ["drive.dbc", "overlap.dbc"])
@pytest.mark.parametrize("log", ["drive.log", "short.log"])
def test_a_drive_gives_its_four_readings(dbc: str, log: str) -> None:
    recording = Recording(LOGS / log, LOGS / dbc, str(LOGS / "drive.yaml"), CATALOGUE)
    assert read(recording) == {SPEED: [43.2, 43.56], RPM: [1500.0, 1501.0]}


def test_a_log_of_two_buses_waits_for_the_bus() -> None:
    with pytest.raises(Refused, match=r"on the buses can0 and can1"):
        read(case("02-two-buses"))
    log, dbc, signals = (VEHICLE / f"02-two-buses.{kind}" for kind in ("log", "dbc", "yaml"))
    told = Recording(log, dbc, str(signals), CATALOGUE, bus="can0")
    assert read(told) == {SPEED: [50.0, 50.04], RPM: [800.0, 800.0]}


@pytest.mark.parametrize(
    ("log", "dbc", "signals", "said"),
    [
        (VEHICLE / "22-one-frame.log", VEHICLE / "drive.dbc", VEHICLE / "22-renamed.yaml",
         r"Motion\.VehSpd is not in drive\.dbc, nearest Motion\.Speed"),
        (LOGS / "drive.log", LOGS / "drive.dbc", LOGS / "typo.yaml",
         r"Motion\.Sped is not in drive\.dbc, nearest Motion\.Speed"),
    ],
    ids=["renamed", "typo"],
)  # fmt: skip
def test_a_map_of_another_database_is_refused(
    log: Path, dbc: Path, signals: Path, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        Recording(log, dbc, str(signals), CATALOGUE)
