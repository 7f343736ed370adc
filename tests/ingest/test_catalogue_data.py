from collections import Counter
from pathlib import Path

import obd
import pytest

from telemetry.signals import Kind, parse_catalogue

CATALOGUE = parse_catalogue(
    (Path(__file__).parents[2] / "telemetry" / "catalogue.json").read_bytes()
)

UNITS = frozenset(
    ["", "km/h", "rpm", "percent", "degrees", "degrees/s", "m", "km", "m/s^2", "celsius", "V", "A",
     "W", "kW", "kWh", "Pa", "kPa", "g/s", "s", "min", "h", "l", "l/h", "Nm", "ratio"]
)  # fmt: skip
WITHOUT_QUANTITY = frozenset(
    ["PIDS_A", "PIDS_B", "PIDS_C", "STATUS", "STATUS_DRIVE_CYCLE", "FREEZE_DTC", "FUEL_STATUS",
     "AIR_STATUS", "O2_SENSORS", "O2_SENSORS_ALT", "OBD_COMPLIANCE", "FUEL_TYPE", "MAX_VALUES",
     "EMISSION_REQ"]
)  # fmt: skip


def test_the_catalogue_holds_what_it_is_said_to_hold() -> None:
    assert len(CATALOGUE) == 156
    assert Counter(signal.kind for signal in CATALOGUE) == {
        Kind.POSITION: 8, Kind.BEHAVIOUR: 36, Kind.TECHNICAL: 106, Kind.ENVIRONMENT: 6,
    }  # fmt: skip
    assert {signal.unit for signal in CATALOGUE} == UNITS


def test_no_signal_names_a_vehicle_or_a_person() -> None:
    assert not [s.path for s in CATALOGUE if s.kind is Kind.IDENTITY]
    words = ("VIN", "VehicleIdentification", "Calibration", "CVN", "Driver.", "Serial", "Plate")
    assert not [s.path for s in CATALOGUE for word in words if word in s.path]


def test_a_string_is_one_of_a_list_or_never_a_series() -> None:
    free = {s.path for s in CATALOGUE if s.datatype == "string" and not s.allowed}
    assert free == {"Vehicle.OBD.DTCList", "Vehicle.CurrentLocation.Mesh"}
    assert CATALOGUE["Vehicle.CurrentLocation.Mesh"].derived


def test_every_mode_01_command_that_decodes_to_a_quantity_has_a_row() -> None:
    known = {command.name for command in obd.commands.modes[1]}
    rows = {signal.obd.partition(".")[0] for signal in CATALOGUE if signal.obd}
    assert known - rows == WITHOUT_QUANTITY - {"STATUS"}
    assert rows <= known


@pytest.mark.parametrize("fill", [0x00, 0x80, 0xFF])
def test_whatever_an_adapter_can_answer_lies_in_the_range_of_its_row(fill: int) -> None:
    checked = 0
    for command in obd.commands.modes[1]:
        if command.name in WITHOUT_QUANTITY:
            continue
        message = type(
            "Answer", (), {"data": bytearray([0x41, 0]) + bytes([fill] * (command.bytes - 2))}
        )
        value = command.decode([message()])
        for signal in (s for s in CATALOGUE if s.obd == command.name and s.is_number):
            scale = 0.001 if str(value.units) == "milliampere" else 1
            assert signal.min is not None
            assert signal.max is not None
            assert signal.min <= float(value.magnitude) * scale <= signal.max, signal.path
            checked += 1
    assert checked == 91
