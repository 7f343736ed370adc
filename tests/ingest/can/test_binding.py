"""A map is held against its database and the buses of a log before anything is published."""

import cantools
import pytest

from ingest.can.decode import parameter_group
from ingest.can.mapping import parse_map, shipped_maps
from ingest.can.units import meant_instead
from ingest.refused import Refused
from tests.ingest.can.drives import J1939, bound, drive
from tests.ingest.captures import CATALOGUE, GNSS_DBC, MODEL3_DBC, SHARED, needs

SPEED, RPM = "Vehicle.Speed", "Vehicle.Powertrain.CombustionEngine.Speed"
MOTION = """
BO_ 291 Motion: 8 N
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" N
 SG_ Engine : 16|16@1+ (0.25,0) [0|16000] "rpm" N
 SG_ Valid : 32|1@1+ (1,0) [0|1] "" N
"""


@pytest.mark.parametrize(
    ("source", "more", "said"),
    [
        ("Motion.Sped", "", "m: Motion.Sped is not in own.dbc, nearest Motion.Speed."),
        ("Motoin.Speed", "", "m: Motoin.Speed is not in own.dbc, nearest Motion.Speed."),
        ("Xyz.Q", "", "m: Xyz.Q is not in own.dbc."),
        (
            "Motion.Speed", ", valid: Vald",
            "m: Motion.Speed names Motion.Vald, which is not in own.dbc, nearest Motion.Valid.",
        ),
        ("Motion.Speed", ", invalid: [{Valdi: 0}]", "names Motion.Valdi, which is not in"),
        ("Motion.Speed", ", invalid: [65536]", "65536 does not fit into the 16 bits of Speed"),
        ("Motion.Speed", ", invalid: [{Valid: 2}]", "2 does not fit into the 1 bits of Valid"),
    ],
    ids=["signal", "message", "nothing near", "valid", "invalid", "too big", "other too big"],
)  # fmt: skip
def test_a_map_that_does_not_fit_its_database_is_refused(source: str, more: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        bound(MOTION, f"  {source}: {{path: {SPEED}, unit: km/h{more}}}")
    assert said in str(refused.value)


def test_a_factor_of_0_in_the_database_is_refused() -> None:
    with pytest.raises(Refused, match=r"Motion\.Speed has the factor 0 in own\.dbc"):
        bound(MOTION.replace("(0.01,0)", "(0,0)"), f"  Motion.Speed: {{path: {SPEED}, unit: km/h}}")


AIR, PEDAL = "Vehicle.Exterior.AirTemperature", "Vehicle.Chassis.Accelerator.PedalPosition"
TYRE = "Vehicle.Chassis.Axle.Row1.Wheel.Left.Tire.Pressure"


@pytest.mark.parametrize(
    ("written", "target", "said", "right"),
    [
        ("mph", f"{SPEED}, unit: km/h", "factor 1.609344,", "factor: 1.61"),
        ("m/s", f"{SPEED}, unit: km/h", "factor 3.6,", "factor: 3.6"),
        ("Deg F", f"{AIR}, unit: celsius", "factor 0.5555556 and offset -17.7778,",
         "factor: 0.5556, offset: -17.78"),
        ("K", f"{AIR}, unit: celsius", "factor 1 and offset -273.15,", "offset: -273.15"),
        ("bar", f"{TYRE}, unit: kPa", "factor 100,", "factor: 100.0"),
        ("ratio", f"{PEDAL}, unit: percent", "factor 100,", "factor: 100.0"),
    ],
    ids=["mph", "m/s", "fahrenheit", "kelvin", "bar", "ratio"],
)  # fmt: skip
def test_a_unit_that_disagrees_is_refused_until_it_is_converted(
    written: str, target: str, said: str, right: str
) -> None:
    dbc = MOTION.replace('"km/h"', f'"{written}"')
    with pytest.raises(Refused) as refused:
        bound(dbc, f"  Motion.Speed: {{path: {target}}}")
    assert said in str(refused.value)
    bound(dbc, f"  Motion.Speed: {{path: {target}, {right}}}")


@pytest.mark.parametrize(
    ("written", "unit"), [("\u00b5bar", "kPa"), ("\u03bcs", "min"), ("\u00b5W", "kW")]
)
def test_a_millionth_is_not_taken_for_the_whole(written: str, unit: str) -> None:
    assert meant_instead(written, unit, 1e-7, 0) is None


@pytest.mark.parametrize("written", ["km/h", "KPH", "", "Kmph ", "furlongs", "\ufffd"])
def test_a_unit_that_agrees_or_is_unknown_leaves_the_map_free(written: str) -> None:
    dbc = MOTION.replace('"km/h"', f'"{written}"')
    for factor in ("1.0", "-0.1"):
        bound(dbc, f"  Motion.Speed: {{path: {SPEED}, unit: km/h, factor: {factor}}}")


def test_every_unit_of_the_catalogue_is_a_spelling_of_itself() -> None:
    for signal in CATALOGUE:
        assert meant_instead(signal.unit, signal.unit, 1.0, 0.0) is None


ONE = f"  Motion.Speed: {{path: {SPEED}, unit: km/h}}"
TWO_BUSES = "can0:123#8813800C can1:123#1122334455667788 can0:123#8C13800C"


def test_a_message_on_two_buses_is_refused_until_the_bus_is_named() -> None:
    with pytest.raises(Refused, match=r"Motion \(0x123\) on the buses can0 and can1"):
        drive(MOTION, ONE, TWO_BUSES)
    in_entry = ONE.replace("km/h", "km/h, bus: can0")
    above = f"map: m\nbus: can0\nsignals:\n{ONE}"
    for told in (
        drive(MOTION, ONE, TWO_BUSES, bus="can0"),
        drive(MOTION, in_entry, TWO_BUSES),
        drive(MOTION, above, TWO_BUSES),
        drive(MOTION, in_entry, TWO_BUSES, bus="can1"),
    ):
        assert told.values == {SPEED: [50.0, 50.04]}
        assert told.undecoded == {"other_bus": 1}


def test_channels_that_are_numbers_are_named_as_numbers() -> None:
    numbered = TWO_BUSES.replace("can", "")
    assert drive(MOTION, ONE.replace("km/h", "km/h, bus: 0"), numbered).values[SPEED] == [50, 50.04]


def test_two_buses_without_a_mapped_id_in_common_need_no_name() -> None:
    assert drive(MOTION, ONE, "can0:123#8813 can1:7FF#00 can1:124#8813").values == {SPEED: [50.0]}


def test_a_bus_that_the_log_has_not_is_refused() -> None:
    with pytest.raises(Refused, match=r"own.log has no bus can7; its buses are: can0, can1\."):
        drive(MOTION, ONE, TWO_BUSES, bus="can7")


def group(source: int, name: str, scale: str = "0.125", group_id: int = 0x0CF004) -> str:
    can_id = 0x80000000 | group_id << 8 | source
    return f"""
BO_ {can_id} {name}: 8 N
 SG_ EngineSpeed : 24|16@1+ ({scale},0) [0|0] "rpm" N
"""


def marked(*messages: str) -> str:
    ids = [message.split()[1] for message in messages]
    marks = "\n".join(f'BA_ "VFrameFormat" BO_ {each} 3;' for each in ids)
    return "".join(messages) + J1939 + marks + "\n"


ENGINE = f"  EEC1.EngineSpeed: {{path: {RPM}, unit: rpm}}"
AT_1024 = "FFFFFF0020FFFFFF"


def test_a_j1939_message_is_found_by_its_group_whatever_its_source() -> None:
    every = " ".join(f"0CF004{source:02X}#{AT_1024}" for source in range(256))
    assert drive(marked(group(0, "EEC1")), ENGINE, every).values == {RPM: [1024.0] * 256}
    other_priority = f"18F00407#{AT_1024}"
    assert drive(marked(group(0, "EEC1")), ENGINE, other_priority).values == {RPM: [1024.0]}
    plain = drive(group(0, "EEC1"), ENGINE, f"0CF00407#{AT_1024}")
    assert plain.undecoded == {"unknown_id": 1}


def test_a_group_that_reads_in_two_ways_is_no_group() -> None:
    both = marked(group(0, "EEC1"), group(3, "Other", scale="0.25"))
    driven = drive(both, ENGINE, f"0CF00400#{AT_1024} 0CF00407#{AT_1024} 0CF00403#{AT_1024}")
    assert driven.values == {RPM: [1024.0]}
    assert driven.undecoded == {"unknown_id": 1}


def test_a_group_that_reads_in_one_way_stays_one() -> None:
    both = marked(group(0, "EEC1"), group(3, "Other"))
    assert drive(both, ENGINE, f"0CF00407#{AT_1024}").values == {RPM: [1024.0]}
    two_paths = ENGINE + "\n  Other.EngineSpeed: {path: Vehicle.OBD.EngineSpeed, unit: rpm}"
    driven = drive(both, two_paths, f"0CF00407#{AT_1024} 0CF00403#{AT_1024}")
    assert driven.values == {"Vehicle.OBD.EngineSpeed": [1024.0]}
    assert driven.undecoded == {"unknown_id": 1}


@pytest.mark.parametrize(
    "pgn", [0x18EF00, 0x19EF21, 0x18FF00, 0x18FFFF, 0x19FF10], ids=lambda pgn: f"{pgn:X}"
)
def test_a_proprietary_group_is_its_senders_own(pgn: int) -> None:
    dbc = marked(group(0x21, "EEC1", group_id=pgn))
    driven = drive(dbc, ENGINE, f"{pgn:06X}21#{AT_1024} {pgn:06X}22#{AT_1024}")
    assert driven.values == {RPM: [1024.0]}
    assert driven.undecoded == {"unknown_id": 1}


def test_a_group_leaves_out_the_destination_of_pdu1() -> None:
    assert parameter_group(0x18EF1234) == 0xEF00
    assert parameter_group(0x0CF00417) == 0xF004


TWINS = (
    MOTION
    + """
BO_ 292 Motion: 8 N
 SG_ Speed : 0|16@1+ ({scale},0) [0|300] "km/h" N
"""
)


def test_two_messages_of_one_name_have_to_read_alike() -> None:
    alike = drive(TWINS.format(scale=0.01), ONE, "123#8813800C 124#8C13800C")
    assert alike.values == {SPEED: [50.0, 50.04]}
    with pytest.raises(Refused, match=r"own.dbc has Speed more than once \(message 0x123 and"):
        bound(TWINS.format(scale=0.1), ONE)
    engine = f"  Motion.Engine: {{path: {RPM}, unit: rpm}}"
    assert drive(TWINS.format(scale=0.1), engine, "123#8813800C 124#8813800C").values == {
        RPM: [800.0]
    }


def test_one_id_twice_is_the_mapped_message_or_one_for_each_bus() -> None:
    dbc = MOTION + '\nBO_ 291 Other: 8 N\n SG_ Rpm : 0|16@1+ (0.5,0) [0|0] "rpm" N\n'
    assert drive(dbc, ONE, "123#8813").values == {SPEED: [50.0]}
    both = ONE + f"\n  Other.Rpm: {{path: {RPM}, unit: rpm}}"
    with pytest.raises(Refused, match=r"have one id in own\.dbc: name the bus of each"):
        bound(dbc, both)
    told = both.replace("km/h", "km/h, bus: can0").replace("rpm}", "rpm, bus: can1}")
    assert drive(dbc, told, "can0:123#8813 can1:123#8813").values == {SPEED: [50.0], RPM: [2500.0]}


def test_a_standard_and_an_extended_id_of_one_number_are_two() -> None:
    dbc = MOTION + '\nBO_ 2147483939 Ext: 8 N\n SG_ Rpm : 0|16@1+ (0.5,0) [0|0] "rpm" N\n'
    both = ONE + f"\n  Ext.Rpm: {{path: {RPM}, unit: rpm}}"
    assert drive(dbc, both, "123#8813 00000123#8813").values == {SPEED: [50.0], RPM: [2500.0]}


def test_two_signals_of_one_path_are_two_readings() -> None:
    both = ONE + f"\n  Motion.Engine: {{path: {SPEED}, unit: km/h, factor: 0.1}}"
    assert drive(MOTION, both, "123#8813800C").values == {SPEED: [50.0, 80.0]}


@pytest.mark.shared_data
@needs(MODEL3_DBC, GNSS_DBC)
def test_every_shipped_map_fits_its_database() -> None:
    for name, path in (("tesla_model3", MODEL3_DBC), ("css_gnss", GNSS_DBC)):
        text = shipped_maps()[name].read_text()
        dbc = path.read_text(encoding="cp1252").removeprefix('VERSION ""')
        sources = parse_map(text, CATALOGUE).by_source.keys()
        own = bound(dbc, text[text.index("map:") :])
        found = {(of.name, signal) for of, every in own.by_layout.items() for signal in every}
        assert found == sources


@pytest.mark.shared_data
@needs(SHARED / "cantools__cantools/tests/files/dbc/vehicle.dbc")
def test_every_message_of_a_real_database_decodes_as_cantools_does() -> None:
    for path in sorted(SHARED.rglob("*.dbc")):
        database = cantools.database.load_file(path, strict=False)
        own = bound(path.read_text(encoding="cp1252").removeprefix('VERSION ""'), "  {}")
        for of in own.decoder.layouts:
            message = database.get_message_by_frame_id(of.message.frame_id)  # type: ignore[union-attr]  # these are CAN databases
            for fill in (0x00, 0x01, 0x5A, 0xFF):
                data = bytes((fill * (n + 1)) & 0xFF for n in range(message.length))
                try:
                    theirs = message.decode(data, decode_choices=False, scaling=False)
                except cantools.database.DecodeError:
                    continue
                assert of.read(data).codes == theirs, (path.name, message.name)
