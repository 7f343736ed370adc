"""What ``bench.replay`` replays: recorded captures if they are at hand, else generated ones.

In: a folder to write into. Out: a candump text and an MF4, each with a database and a map.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from ingest.python_can import can, with_mf4

SHARED: Final = Path(__file__).parents[2] / "shared" / "data"
_CONCAT: Final = SHARED / "CSS-Electronics__api-examples/examples/other/concatenate-mf4-by-period"
_GNSS: Final = (
    _CONCAT / "LOG/2F6913DB/00001089/00000001-63BEF5CD.MF4", _CONCAT / "dbc_files/gnss.dbc",
)  # fmt: skip
_CANDUMP: Final = (
    SHARED / "collin80__SavvyCAN/examples/candump.log",
    SHARED / "joshwardell__model3dbc/Model3CAN.dbc",
)
_CANDUMP_MAP: Final = """map: bench
signals:
  ID108DIR_torque.DIR_torqueActual:
    {path: Vehicle.Powertrain.ElectricMotor.Torque, unit: Nm, decimals: 1}
  ID108DIR_torque.DIR_axleSpeed:
    {path: Vehicle.Powertrain.ElectricMotor.Speed, unit: rpm, decimals: 0}
  ID126RearHVStatus.RearHighVoltage126:
    {path: Vehicle.Powertrain.TractionBattery.CurrentVoltage, unit: V, decimals: 1}
  ID126RearHVStatus.RearMotorCurrent126:
    {path: Vehicle.Powertrain.TractionBattery.CurrentCurrent, unit: A}
  ID154RearTorqueOld.RAWTorqueRear154:
    {path: Vehicle.Powertrain.CombustionEngine.Torque, unit: Nm, decimals: 1}
  ID266RearInverterPower.RearPower266:
    {path: Vehicle.Powertrain.TractionBattery.CurrentPower, unit: W, factor: 1000}
  ID3D8Elevation.Elevation3D8:
    {path: Vehicle.CurrentLocation.Altitude, unit: m, decimals: 0}
"""
_OWN_DATABASE: Final = """VERSION ""

BO_ 291 Motion: 8 N
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "m/s" N
 SG_ Engine : 16|16@1+ (0.25,0) [0|16000] "rpm" N
 SG_ Valid : 32|1@1+ (1,0) [0|1] "" N

BO_ 1110 Place: 8 N
 SG_ Lat : 0|32@1- (1E-006,0) [-90|90] "deg" N
 SG_ Lon : 32|32@1- (1E-006,0) [-180|180] "deg" N
"""
_OWN_MAP: Final = """map: own
signals:
  Motion.Speed: {path: Vehicle.Speed, unit: km/h, factor: 3.6, decimals: 2, valid: Valid}
  Motion.Engine: {path: Vehicle.Powertrain.CombustionEngine.Speed, unit: rpm}
  Place.Lat: {path: Vehicle.CurrentLocation.Latitude, unit: degrees, decimals: 6}
  Place.Lon: {path: Vehicle.CurrentLocation.Longitude, unit: degrees, decimals: 6}
"""
_BEGIN_S: Final = 1_700_000_000
_STRANGERS: Final = 6
"""Of ten frames, those whose id no database has."""


class Drive(NamedTuple):
    """A capture with what decodes it."""

    log: Path
    database: Path
    map_name: str
    recorded: bool


def drives(folder: Path, generated_frames: int) -> dict[str, Drive]:
    """By form. Generated ones have so many frames."""
    (folder / "candump.yaml").write_text(_CANDUMP_MAP)
    found = {
        "mf4": Drive(*_GNSS, "css_gnss", recorded=True),
        "candump": Drive(*_CANDUMP, str(folder / "candump.yaml"), recorded=True),
    }
    return {
        form: drive
        if drive.log.is_file() and drive.database.is_file()
        else _generated(folder, form, generated_frames)
        for form, drive in found.items()
    }


def _generated(folder: Path, form: str, frames: int) -> Drive:
    (folder / "own.dbc").write_text(_OWN_DATABASE)
    (folder / "own.yaml").write_text(_OWN_MAP)
    log = folder / f"drive.{'mf4' if form == 'mf4' else 'log'}"
    with_mf4()
    with can.MF4Writer(log) if form == "mf4" else can.CanutilsLogWriter(log) as writer:
        for message in _messages(frames):
            writer.on_message_received(message)
    return Drive(log, folder / "own.dbc", str(folder / "own.yaml"), recorded=False)


def _messages(frames: int) -> Iterator["can.Message"]:
    chance = random.Random(1)
    for n in range(frames):
        if n % 10 < _STRANGERS:
            can_id, data = 0x400 + n % 50, chance.randbytes(8)
        elif n % 2:
            speed, engine = chance.randrange(3_000), chance.randrange(32_000)
            can_id, data = 291, b"".join(v.to_bytes(2, "little") for v in (speed, engine, 1, 0))
        else:
            places = (35_000_000 + n, 139_000_000 + n)
            can_id, data = 1110, b"".join(v.to_bytes(4, "little") for v in places)
        yield can.Message(
            timestamp=_BEGIN_S + n / 1_000, arbitration_id=can_id, is_extended_id=False, data=data,
            channel=1,
        )  # fmt: skip
