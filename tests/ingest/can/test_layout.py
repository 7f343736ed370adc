"""A signal decodes by its own bits: what is wrong with another costs the other."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.refused import Refused
from tests.ingest.can.drives import J1939, bound, drive, frames

SPEED, RPM = "Vehicle.Speed", "Vehicle.Powertrain.CombustionEngine.Speed"
BOTH = f"""
  Motion.Speed: {{path: {SPEED}, unit: km/h}}
  Motion.Engine: {{path: {RPM}, unit: rpm}}
"""
MOTION = """
BO_ 291 Motion: 8 N
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" N
 SG_ Engine : 16|16@1+ (0.25,0) [0|16000] "rpm" N
 SG_ Counter : 56|8@1+ (1,0) [0|255] "" N
"""
GOOD = "123#8813800C00000000"
VALUES = {SPEED: [50.0], RPM: [800.0]}


@pytest.mark.parametrize(
    "other",
    [
        ' SG_ A : 40|6@1+ (1,0) [0|63] "" N\n SG_ B : 40|6@1+ (1,0) [0|63] "" N',
        ' SG_ A : 7|16@0+ (1,0) [0|0] "" N',
        ' SG_ A : 60|16@1+ (1,0) [0|0] "" N',
        ' SG_ A : 0|64@1+ (1,0) [0|0] "" N',
    ],
    ids=["aliases", "other order of bytes", "past the end", "all of it"],
)
def test_bits_that_others_share_cost_nothing(other: str) -> None:
    driven = drive(MOTION.rstrip() + "\n" + other + "\n", BOTH, GOOD)
    assert driven.values == VALUES
    assert driven.undecoded == driven.unfit == {}


def test_a_short_frame_gives_what_lies_within_it() -> None:
    driven = drive(MOTION, BOTH, "123#8813800C 123#8813 123#88 123#")
    assert driven.values == {SPEED: [50.0, 50.0], RPM: [800.0]}
    assert driven.unfit == {"cut_off": 1}
    assert driven.undecoded == {"wrong_length": 2}


def test_a_signal_past_its_message_is_read_if_its_bytes_came() -> None:
    dbc = MOTION.replace("Motion: 8", "Motion: 2")
    assert drive(dbc, BOTH, GOOD).values == VALUES
    assert drive(dbc, BOTH, "123#8813").unfit == {"cut_off": 1}


MUX = """
BO_ 1885 Mux: 8 N
 SG_ Sel M : 0|8@1+ (1,0) [0|12] "" N
 SG_ Common : 8|8@1+ (1,0) [0|255] "km/h" N
 SG_ A m0 : 16|8@1+ (1,0) [0|255] "" N
 SG_ B m1 : 16|8@1+ (2,0) [0|510] "" N
"""
MUXED = f"""
  Mux.Common: {{path: {SPEED}, unit: km/h}}
  Mux.A: {{path: {RPM}, unit: rpm}}
"""


def test_an_unknown_multiplex_costs_the_multiplexed_alone() -> None:
    driven = drive(MUX, MUXED, "75D#0E32 75D#003307 75D#013407")
    assert driven.values == {SPEED: [50.0, 51.0, 52.0], RPM: [7.0]}
    assert driven.undecoded == driven.unfit == {}


NESTED = """
BO_ 1885 Mux: 8 N
 SG_ Inner m1M : 8|8@1+ (1,0) [0|9] "" N
 SG_ Outer M : 0|8@1+ (1,0) [0|9] "" N
 SG_ Deep m2 : 16|8@1+ (1,0) [0|255] "km/h" N

SG_MUL_VAL_ 1885 Inner Outer 1-1;
SG_MUL_VAL_ 1885 Deep Inner 2-2, 5-7;
"""


def test_a_multiplexer_inside_another() -> None:
    one = f"  Mux.Deep: {{path: {SPEED}, unit: km/h}}"
    driven = drive(NESTED, one, "75D#010232 75D#010633 75D#010334 75D#000235")
    assert driven.values == {SPEED: [50.0, 51.0]}
    assert driven.undecoded == {"unknown_multiplex": 2}


LONG = """
BO_ 1979 Pack: 20 N
 SG_ Charge : 40|8@1+ (0.5,0) [0|100] "%" N

BO_ 2566841342 Long: 40 N
 SG_ EngineSpeed : 8|16@1+ (0.125,0) [0|8031] "rpm" N
"""
CHARGE = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"


@pytest.mark.parametrize(
    "pieces",
    [
        "7BB#1014620101A0B0C0 7BB#21D0E0F001020304 7BB#2205060708090A0B",
        "18FEE3FE#4033020405060708 18FEE3FE#4133020405060708",
        "1CECFF00#2028000600E3FE00 1CEBFF00#0133020405060708",
    ],
    ids=["ISO-TP", "fast packet", "J1939 TP"],
)
def test_pieces_of_a_long_message_are_told_and_not_read(pieces: str) -> None:
    one = f"""
  Pack.Charge: {{path: {CHARGE}, unit: percent}}
  Long.EngineSpeed: {{path: {RPM}, unit: rpm}}
"""
    driven = drive(LONG, one, pieces)
    assert driven.values == {}
    assert driven.undecoded == {"transport": len(frames(pieces))}


def test_a_long_message_in_one_long_frame_is_read() -> None:
    one = f"  Pack.Charge: {{path: {CHARGE}, unit: percent}}"
    assert drive(LONG, one, "7BB#" + "00" * 5 + "A0" + "00" * 14).values == {CHARGE: [80.0]}


@given(
    start=st.integers(0, 63),
    length=st.integers(1, 16),
    little=st.booleans(),
    data=st.binary(min_size=0, max_size=8),
)
def test_a_signal_is_the_bits_that_the_format_says(
    start: int, length: int, data: bytes, *, little: bool
) -> None:
    dbc = MOTION.replace("0|16@1+ (0.01,0) [0|300]", f"{start}|{length}@{int(little)}+ (1,0) [0|0]")
    # Bit n of byte m stands at 8 m + n; big-endian begins at its highest and goes down.
    if little:
        places = [(n // 8, n % 8) for n in range(start, start + length)]
    else:
        first = 8 * (start // 8) + 7 - start % 8
        places = [(n // 8, 7 - n % 8) for n in range(first, first + length)][::-1]
    came = all(byte < len(data) for byte, _ in places)
    expected = sum(
        (data[byte] >> bit & 1) << index for index, (byte, bit) in enumerate(places) if came
    )
    one = "  Motion.Speed: {path: Vehicle.TraveledDistance, unit: m}"
    driven = drive(dbc, one, f"123#{data.hex()}")
    assert driven.values == ({"Vehicle.TraveledDistance": [expected]} if came else {})


FLOATS = """
BO_ 600 Fix: 8 N
 SG_ Kind : 0|32@1- (1,0) [0|4] "" N
 SG_ Alt : 32|32@1- (1,0) [0|0] "m" N

SIG_VALTYPE_ 600 Kind : 1;
SIG_VALTYPE_ 600 Alt : 1;
"""
FIX, ALTITUDE = "Vehicle.CurrentLocation.GNSSReceiver.FixType", "Vehicle.CurrentLocation.Altitude"
FIX_MAP = f"""
  Fix.Kind: {{path: {FIX}, unit: "", values: {{0: NONE, 2: TWO_D, 3: THREE_D}}}}
  Fix.Alt: {{path: {ALTITUDE}, unit: m, decimals: 1}}
"""


@pytest.mark.parametrize(
    ("kind", "word"),
    [(3.0, "THREE_D"), (2.9, None), (float("nan"), None), (float("inf"), None), (-0.0, "NONE")],
    ids=str,
)
def test_a_float_names_a_word_only_if_it_is_whole(kind: float, word: str | None) -> None:
    driven = drive(FLOATS, FIX_MAP, f"258#{struct.pack('<ff', kind, 12.5).hex()}")
    assert driven.values == {ALTITUDE: [12.5]} | ({} if word is None else {FIX: [word]})
    assert driven.unfit == ({} if word else {"out_of_range": 1})


def test_a_float_that_has_no_such_length_costs_itself() -> None:
    dbc = FLOATS.replace("Kind : 0|32@", "Kind : 0|24@")
    altitude = FIX_MAP[FIX_MAP.index("  Fix.Alt") :]
    assert drive(dbc, altitude, f"258#{struct.pack('<ff', 0, 12.5).hex()}").values == {
        ALTITUDE: [12.5]
    }
    with pytest.raises(Refused, match=r"Fix\.Kind is a float of 24 bits in own\.dbc"):
        bound(dbc, FIX_MAP)


def test_a_message_without_signals_decodes_to_nothing() -> None:
    driven = drive(MOTION + "\nBO_ 292 Empty: 8 N\n", BOTH, "124#00")
    assert driven.counts.decoded == 1
    assert driven.undecoded == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_a_float_that_is_no_number_gives_none(value: float) -> None:
    for dbc in (FLOATS, FLOATS + J1939 + 'BA_ "VFrameFormat" BO_ 600 3;'):
        driven = drive(dbc, FIX_MAP, f"258#{struct.pack('<ff', 2.0, value).hex()}")
        assert driven.values == {FIX: ["TWO_D"]}
        assert driven.unfit == {"out_of_range": 1}


def test_a_value_beyond_every_float_is_out_of_range() -> None:
    dbc = 'BO_ 291 M: 8 N\n SG_ S : 0|16@1+ (1E308,0) [0|0] "" N\n'
    driven = drive(dbc, "  M.S: {path: Vehicle.Speed, unit: km/h, factor: 1.0e+10}", "123#E803")
    assert (driven.values, driven.unfit) == ({}, {"out_of_range": 1})
