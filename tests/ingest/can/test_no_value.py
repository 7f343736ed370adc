"""Codes that say that there is no value give no reading, whoever says so."""

import pytest

from ingest.can.mapping import parse_map, shipped_maps
from ingest.refused import Refused
from tests.ingest.can.drives import J1939, drive
from tests.ingest.captures import CATALOGUE, MODEL3_DBC, needs

SPEED, RPM = "Vehicle.Speed", "Vehicle.Powertrain.CombustionEngine.Speed"
BELT = "Vehicle.Powertrain.CombustionEngine.IsRunning"

TRUCK = f"""
BO_ 2566844926 CCVS1: 8 N
 SG_ Speed : 8|16@1+ (0.00390625,0) [0|0] "km/h" N
 SG_ Brake : 28|2@1+ (1,0) [0|3] "" N
 SG_ Coolant : 56|8@1+ (1,-40) [0|0] "deg C" N
 SG_ Fuel : 32|24@1+ (0.000001,0) [0|0] "l" N
{J1939}BA_ "VFrameFormat" BO_ 2566844926 3;
"""
TRUCK_MAP = f"""
  CCVS1.Speed: {{path: {SPEED}, unit: km/h}}
  CCVS1.Brake: {{path: {BELT}, unit: ""}}
  CCVS1.Coolant: {{path: {SPEED.replace("Speed", "OBD.CoolantTemperature")}, unit: celsius}}
"""


@pytest.mark.parametrize(
    ("code", "speed"),
    [
        ("0050", 80.0), ("FFFA", 250.99609375), ("00FB", None), ("FFFD", None), ("00FE", None),
        ("FFFE", None), ("00FF", None), ("FFFF", None),
    ],
    ids=["80", "last valid", "parameter", "reserved", "error", "error+", "n/a", "all ones"],
)  # fmt: skip
def test_a_j1939_number_ends_at_faff(code: str, speed: float | None) -> None:
    driven = drive(TRUCK, TRUCK_MAP, f"18FEF100#FF{code}FFFFFFFFFF")
    assert driven.values == ({} if speed is None else {SPEED: [speed]})
    assert driven.unfit == {"not_available": 2 if speed is not None else 3}


@pytest.mark.parametrize(
    ("state", "value"), [(0, False), (1, True), (2, None), (3, None)], ids=["00", "01", "10", "11"]
)
def test_a_j1939_state_has_two_values(state: int, *, value: bool | None) -> None:
    frame = f"18FEF100#FF0000{state << 4:02X}FFFFFFFF"
    assert drive(TRUCK, TRUCK_MAP, frame).values.get(BELT) == (None if value is None else [value])


def test_the_same_codes_are_values_where_the_bus_is_not_j1939() -> None:
    plain = TRUCK.replace('BA_ "VFrameFormat" BO_ 2566844926 3;', "")
    driven = drive(plain, TRUCK_MAP, "18FEF1FE#FF00FB0000000064")
    assert driven.values[SPEED] == [251.0]


@pytest.mark.parametrize(
    ("length", "code", "none"),
    [
        (1, 1, False), (3, 6, False), (3, 7, True), (4, 14, True), (4, 11, True), (4, 10, False),
        (8, 0xFA, False), (8, 0xFB, True), (10, 0x3FA, False), (10, 0x3FB, True),
        (12, 0xFAF, False), (12, 0xFB0, True),
        (20, 0xFAFFF, False), (20, 0xFB000, True), (28, 0xFAFFFFF, False), (28, 0xFB00000, True),
        (24, 0xFAFFFF, False), (24, 0xFB0000, True), (7, 125, False), (7, 126, True),
        (14, 0x3FFD, False), (14, 0x3FFE, True), (40, 0xFAFFFFFFFF, False), (40, 0xFB00000000, True),
        (32, 0xFAFFFFFF, False), (32, 0xFB000000, True), (32, 0xFE000000, True),
    ],
    ids=str,
)  # fmt: skip
def test_a_j1939_field_of_any_length(length: int, code: int, *, none: bool) -> None:
    dbc = TRUCK.replace("8|16@1+ (0.00390625,0)", f"0|{length}@1+ (0.0000000001,0)")
    data = code.to_bytes(8, "little").hex()
    one = f"  CCVS1.Speed: {{path: {SPEED}, unit: km/h}}"
    driven = drive(dbc, one, f"18FEF100#{data}")
    assert driven.unfit == ({"not_available": 1} if none else {})


@pytest.mark.parametrize(
    ("code", "none"), [(-1, True), (127, True), (126, True), (-2, False), (-5, False)]
)
def test_a_signed_field_keeps_its_small_negative_values(code: int, *, none: bool) -> None:
    dbc = TRUCK.replace("8|16@1+ (0.00390625,0)", "0|8@1- (1,0)")
    path = "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature"
    one = f"  CCVS1.Speed: {{path: {path}, unit: celsius}}"
    data = code.to_bytes(1, "little", signed=True).hex()
    driven = drive(dbc, one, f"18FEF100#{data}00000000000000")
    assert (driven.unfit == {"not_available": 1}) is none
    assert (driven.values == {path: [code]}) is not none


CAR = """
BO_ 291 Motion: 8 N
 SG_ Speed : 0|12@1+ (0.1,0) [0|0] "km/h" N
 SG_ Flag : 12|1@1+ (1,0) [0|1] "" N
 SG_ Lat : 16|16@1- (0.01,0) [0|0] "deg" N
 SG_ Lon : 32|16@1- (0.01,0) [0|0] "deg" N
"""


@pytest.mark.parametrize(
    "name",
    [
        "SNA",
        "UI_SPEED_SNA",
        "Signal not available",
        "N/A",
        "Invalid",
        "NOT_VALID",
        "Error",
        "unknown",
        "UNKNOWN",
        "DI_POS_UNKNOWN",
        "Init",
        "Initializing",
        "Fault",
        "Sensor fault",
        "Signal_Fault",
        "SignalNotAvailable",
        "NotAvailable",
        "not-available",
        "No Data",
        "NoSignal",
        "nicht verfügbar",
        "Nicht_verfuegbar",
        "NICHT VERFUGBAR",
        "ungültig",
        "Signal ungueltig",
        "Fehler",
        "Signalfehler",
        "unbekannt",
        "défaut",
        "Non disponible",
        "inválido",
        "invalido",
        "無効",
        "信号無効",
        "エラー",
        "n.a.",
        "N.A",
        "not defined",
        "Reserved",
        "reserviert",
    ],
)
def test_a_code_that_the_database_calls_none_is_none(name: str) -> None:
    one = f"  Motion.Speed: {{path: {SPEED}, unit: km/h}}"
    driven = drive(CAR + f'VAL_ 291 Speed 2047 "{name}" ;', one, "123#FF07000000000000 123#FE07")
    assert driven.values == {SPEED: [pytest.approx(204.6)]}
    assert driven.unfit == {"not_available": 1}


@pytest.mark.parametrize(
    "name",
    [
        "No error",
        "Standstill",
        "Fast",
        "Snap",
        "Nagoya",
        "kein Fehler",
        "No fault",
        "Defrost",
        "Initial speed",
        "not invalid",
        "nicht ungültig",
        "kein inválido",
        "Error lamp on",
        "available",
        "verfügbar",
        "gültig",
        "有効",
        "Unknown driver present",
        "Sans défaut",
        "Nass",
        "NATO",
        "Naive",
    ],
)
def test_a_name_that_says_something_is_a_value(name: str) -> None:
    one = f"  Motion.Speed: {{path: {SPEED}, unit: km/h}}"
    driven = drive(CAR + f'VAL_ 291 Speed 10 "{name}" ;', one, "123#0A00000000000000")
    assert driven.values == {SPEED: [1.0]}


def test_a_flag_of_one_bit_has_no_code_to_spare() -> None:
    one = f'  Motion.Flag: {{path: {BELT}, unit: ""}}'
    dbc = CAR + 'VAL_ 291 Flag 1 "Valid" 0 "Invalid" ;'
    assert drive(dbc, one, "123#0000 123#0010").values == {BELT: [False, True]}


LATITUDE, LONGITUDE = "Vehicle.CurrentLocation.Latitude", "Vehicle.CurrentLocation.Longitude"
PLACE = f"""
  Motion.Lat: {{path: {LATITUDE}, unit: degrees, invalid: [0x8000, {{Lat: 0, Lon: 0}}]}}
  Motion.Lon: {{path: {LONGITUDE}, unit: degrees, invalid: [-32768, {{Lat: 0, Lon: 0}}]}}
"""


def test_a_map_lists_codes_and_codes_that_say_it_together() -> None:
    words = ["00000000", "BC020000", "0000BC02", "00800080"]
    driven = drive(CAR, PLACE, " ".join(f"123#0000{word}0000" for word in words))
    assert driven.values == {LATITUDE: [7.0, 0.0], LONGITUDE: [0.0, 7.0]}
    assert driven.unfit == {"not_available": 4}


def test_beyond_the_databases_own_range_is_no_value() -> None:
    dbc = CAR.replace('(0.1,0) [0|0] "km/h"', '(0.1,0) [1|102.3] "km/h"')
    one = f"  Motion.Speed: {{path: {SPEED}, unit: km/h, decimals: 1}}"
    # 1023 * 0.1 is 102.30000000000001 in binary, and still the highest that is meant.
    driven = drive(dbc, one, "123#FF03 123#0004 123#0A00 123#0900")
    assert driven.values == {SPEED: [102.3, 1.0]}
    assert driven.unfit == {"out_of_range": 2}


def test_every_entry_of_a_shipped_map_states_bounds_and_codes() -> None:
    for name, path in shipped_maps().items():
        for mapped in parse_map(path.read_text(), CATALOGUE, name).by_source.values():
            entry = mapped.entry
            assert entry.invalid, entry.path
            assert entry.values or (entry.min is not None and entry.max is not None), entry.path


@pytest.mark.shared_data
@needs(MODEL3_DBC)
def test_a_tesla_without_values_gives_none() -> None:
    dbc = MODEL3_DBC.read_text(encoding="cp1252")
    text = shipped_maps()["tesla_model3"].read_text()
    silent = " ".join(
        f"{can_id}#{'FF' * 8}" for can_id in ["257", "04F", "118", "292", "132", "3B6"]
    )
    text = text[text.index("map:") :]
    assert drive(dbc.removeprefix('VERSION ""'), text, f"{silent} 04F#{'00' * 8}").values == {}
    driven = drive(dbc.removeprefix('VERSION ""'), text, "257#00B8320000010000")
    assert driven.values == {SPEED: [24.88]}


def test_a_map_takes_back_what_a_name_says() -> None:
    one = f"  Motion.Speed: {{path: {SPEED}, unit: km/h, valid_codes: [2047]}}"
    names = 'VAL_ 291 Speed 2047 "Fault" 2046 "Init" ;'
    driven = drive(CAR + names, one, "123#FF07000000000000 123#FE07")
    assert driven.values == {SPEED: [pytest.approx(204.7)]}
    assert driven.unfit == {"not_available": 1}


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ("[4096]", "valid_codes: 4096 does not fit into the 12 bits"),
        ("[7], invalid: [7]", "7 is in"),
    ],
)
def test_a_code_that_cannot_be_meant_is_refused(codes: str, said: str) -> None:
    one = f"  Motion.Speed: {{path: {SPEED}, unit: km/h, valid_codes: {codes}}}"
    with pytest.raises(Refused, match=said):
        drive(CAR, one, "123#FF07000000000000")


def test_a_j1939_state_that_the_database_names_is_a_value_but_never_all_ones() -> None:
    dbc = TRUCK.replace("8|16@1+ (0.00390625,0)", "0|4@1+ (1,0)")
    dbc += 'VAL_ 2566844926 Speed 11 "Braking" 13 "Service" 14 "Not defined" 15 "Take no action" ;'
    one = f"  CCVS1.Speed: {{path: {SPEED}, unit: km/h}}"
    frames = " ".join(f"18FEF100#{code:02X}00000000000000" for code in (11, 12, 13, 14, 15))
    driven = drive(dbc, one, frames)
    assert driven.values == {SPEED: [11.0, 13.0]}
    assert driven.unfit == {"not_available": 3}


@pytest.mark.parametrize(
    ("sign", "codes"),
    [("-", (255, 254)), ("-", (-1, -2)), ("+", (-1, -2)), ("+", (255, 254))],
    ids=["signed as unsigned", "signed", "unsigned as signed", "unsigned"],
)
def test_a_named_code_is_its_bits_however_it_is_written(sign: str, codes: tuple[int, int]) -> None:
    path = "Vehicle.Cabin.HVAC.AmbientAirTemperature"
    dbc = f"""
BO_ 291 Air: 8 N
 SG_ Outside : 0|8@1{sign} (1,0) [0|0] "" N
VAL_ 291 Outside {codes[0]} "SNA" {codes[1]} "Error" 511 "SNA" ;
"""
    one = f"  Air.Outside: {{path: {path}, unit: celsius}}"
    driven = drive(dbc, one, "123#FF00 123#FE00 123#0500")
    assert (driven.values, driven.unfit) == ({path: [5.0]}, {"not_available": 2})
