"""Generated captures in every form, and the recorded ones if they are at hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import can
import cantools
import pytest
from can.io.generic import MessageWriter
from cantools.database.can import Database

from ingest.logs.sniff import Form
from ingest.python_can import with_mf4
from telemetry.signals import Catalogue, parse_catalogue

# Whoever loaded python-can first may have loaded it without MF4, which is written here.
with_mf4()

SHARED: Final = Path(__file__).parents[3] / "shared" / "data"
_CSS: Final = SHARED / "CSS-Electronics__api-examples/examples"
GNSS_LOG: Final = (
    _CSS / "other/concatenate-mf4-by-period/LOG/2F6913DB/00001089/00000001-63BEF5CD.MF4"
)
GNSS_LOG_EARLIER: Final = _CSS / "data-processing/LOG/2F6913DB/00000004/00000001.MF4"
GNSS_DBC: Final = _CSS / "other/concatenate-mf4-by-period/dbc_files/gnss.dbc"
CANDUMP_LOG: Final = SHARED / "collin80__SavvyCAN/examples/candump.log"
MODEL3_DBC: Final = SHARED / "joshwardell__model3dbc/Model3CAN.dbc"

CATALOGUE: Final[Catalogue] = parse_catalogue(
    (Path(__file__).parents[2] / "telemetry" / "catalogue.json").read_bytes()
)
ALL_PATHS: Final = frozenset(signal.path for signal in CATALOGUE)

WRITERS: Final[dict[str, type[MessageWriter]]] = {
    "candump.log": can.CanutilsLogWriter,
    "drive.asc": can.ASCWriter,
    "drive.blf": can.BLFWriter,
    "drive.trc": can.TRCWriter,
    "drive.mf4": can.MF4Writer,
}
FORMS: Final[dict[str, Form]] = {
    "candump.log": Form.CANDUMP,
    "drive.asc": Form.ASC,
    "drive.blf": Form.BLF,
    "drive.trc": Form.TRC,
    "drive.mf4": Form.MF4,
}
TEXT_FORMS: Final = tuple(n for n, form in FORMS.items() if form not in (Form.BLF, Form.MF4))

OWN_DBC: Final = """VERSION ""

BO_ 291 Motion: 8 Node
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "m/s" Node
 SG_ Engine : 16|16@1+ (0.25,0) [0|16000] "rpm" Node
 SG_ Valid : 32|1@1+ (1,0) [0|1] "" Node
 SG_ Spare : 40|8@1+ (1,0) [0|255] "" Node

BO_ 1110 Place: 8 Node
 SG_ Lat : 0|32@1- (1E-006,0) [-90|90] "deg" Node
 SG_ Lon : 32|32@1- (1E-006,0) [-180|180] "deg" Node

BO_ 2364539904 Group61444: 8 Node
 SG_ J1939Engine : 24|16@1+ (0.125,0) [0|8031] "rpm" Node

BO_ 500 Switched: 2 Node
 SG_ Which M : 0|8@1+ (1,0) [0|3] "" Node
 SG_ First m0 : 8|8@1+ (1,0) [0|255] "" Node

BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "VFrameFormat" "StandardCAN";
BA_ "VFrameFormat" BO_ 2364539904 3;
"""
OWN_MAP: Final = """
map: own
signals:
  Motion.Speed: {path: Vehicle.Speed, unit: km/h, factor: 3.6, decimals: 2, valid: Valid}
  Motion.Engine: {path: Vehicle.Powertrain.CombustionEngine.Speed, unit: rpm}
  Place.Lat: {path: Vehicle.CurrentLocation.Latitude, unit: degrees, decimals: 6}
  Place.Lon: {path: Vehicle.CurrentLocation.Longitude, unit: degrees, decimals: 6}
  Group61444.J1939Engine: {path: Vehicle.Powertrain.ElectricMotor.Speed, unit: rpm}
"""


def needs(*paths: Path) -> pytest.MarkDecorator:
    """Skip if a recorded file is not at hand, naming it."""
    absent = [path.name for path in paths if not path.is_file()]
    return pytest.mark.skipif(bool(absent), reason=f"recorded drives not at hand: {absent}")


def own_database() -> Database:
    database = cantools.database.load_string(OWN_DBC, "dbc", strict=False)
    assert isinstance(database, Database)
    return database


def own_drive(seconds: int = 40) -> list[can.Message]:
    """A generated drive: known, unknown, invalid, out-of-range and undecodable frames."""
    database = own_database()
    messages = []

    def add(at_s: float, can_id: int, data: bytes, *, ext: bool = False, rx: bool = True) -> None:
        messages.append(
            can.Message(
                timestamp=1_700_000_000 + at_s, arbitration_id=can_id, is_extended_id=ext,
                data=data, is_rx=rx, channel=1, check=True,
            )
        )  # fmt: skip

    for second in range(seconds):
        motion = {
            "Speed": second / 2,
            "Engine": 800 + second,
            "Valid": int(second % 10 != 0),
            "Spare": 7,
        }
        add(second, 291, database.encode_message("Motion", motion))
        place = {"Lat": 35 + second * 1e-4, "Lon": 139 + second * 1e-4}
        add(second + 0.00025, 1110, database.encode_message("Place", place))
        add(second + 0.0005, 0x0CF00400 | 0x17, bytes([0, 0, 0, second, 32, 0, 0, 0]), ext=True)
        add(second + 0.00075, 0x7FF, b"\x01\x02", rx=second % 2 == 0)
    add(seconds, 291, b"\x01")
    add(seconds, 500, b"\x02\x00")
    add(seconds + 0.1, 1110, (91_000_000).to_bytes(4, "little") + bytes(4))
    return messages


def write(path: Path, messages: Sequence[can.Message]) -> Path:
    """Write the messages in the form of the file's suffix."""
    with WRITERS[path.name](path) as writer:
        for message in messages:
            writer.on_message_received(message)
    return path
