"""A value that was prepared for is the value that the rules give, asked one by one."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.can.bits import Code
from ingest.can.bound import Bound
from ingest.can.layout import scaled
from ingest.can.mapping import Unfit
from ingest.can.no_value import all_ones, as_read
from ingest.range import within
from tests.ingest.can.drives import J1939, bound

MESSAGES = """
BO_ 291 M: 8 N
 SG_ Wide : 0|16@1- (0.25,-10) [-5000|5000] "" N
 SG_ Flag : 16|2@1+ (1,0) [0|3] "" N
 SG_ Signed : 18|3@1- (1,0) [0|0] "" N
 SG_ Half : 21|3@1+ (0.5,0) [0|0] "" N
 SG_ Long : 24|9@1+ (1,0) [0|0] "" N
 SG_ State : 40|4@1+ (1,0) [0|0] "" N
 SG_ Byte : 48|8@1+ (1,-2) [0|200] "km/h" N

VAL_ 291 Byte 254 "Error" 7 "Seven" ;
VAL_ 291 State 14 "SNA" 3 "Three" ;
"""
DISTANCE, SPEED = "path: Vehicle.TraveledDistance, unit: m", "path: Vehicle.Speed, unit: km/h"
FIX = "path: Vehicle.CurrentLocation.GNSSReceiver.FixType, unit: ''"
ENTRIES = (
    f"M.Wide: {{{DISTANCE}, factor: -2, min: 0, max: 900}}",
    f"M.Wide: {{{SPEED}, decimals: 1, valid: Flag, invalid: [0xFFFF, -2, {{Wide: 0, Byte: 0}}]}}",
    f"M.Wide: {{{SPEED}, valid: Half, decimals: -1}}",
    f"M.Byte: {{{SPEED}, valid: Signed, valid_codes: [254]}}",
    f"M.Byte: {{{SPEED}, valid: Long, invalid: [{{Flag: 3, State: 14}}, {{Flag: -1}}, 9]}}",
    f"M.Byte: {{{SPEED}, valid: Byte, factor: 1.5, offset: 0.1, decimals: 2}}",
    f"M.State: {{{DISTANCE}, valid_codes: [15, 14]}}",
    f"M.Long: {{{DISTANCE}, valid: Wide}}",
    f"M.State: {{{FIX}, values: {{0: NONE, 2: TWO_D, 3: THREE_D, 15: TWO_D}}}}",
    "M.Flag: {path: Vehicle.Powertrain.CombustionEngine.IsRunning, unit: '', invalid: [3]}",
)
MARK = J1939 + 'BA_ "VFrameFormat" BO_ 291 3;\n'


def by_the_rules(one: Bound, codes: Mapping[str, Code]) -> object:
    """Flag, code, the database's range, the map's; nothing is found beforehand."""
    entry, code = one.mapped.entry, codes[one.source.name]

    def is_said(name: str, said: int) -> bool:
        return name in codes and codes[name] == as_read(one.of.signals[name][0], said)

    if entry.valid is not None:
        flag = codes.get(entry.valid)
        if flag is None or scaled(one.of.signals[entry.valid][0], flag) != 1:
            return Unfit.INVALID
    decoded = scaled(one.source, code)
    for said in entry.invalid:
        every = said if isinstance(said, dict) else {one.source.name: said}
        if all(is_said(name, each) for name, each in every.items()):
            return Unfit.NOT_AVAILABLE
    if one.none(code) and not any(is_said(one.source.name, c) for c in entry.valid_codes):
        ones = one.of.message.protocol == "j1939" and all_ones(code, one.source.length)
        if ones or decoded not in (entry.values or {}):
            return Unfit.NOT_AVAILABLE
    low, high = one.source.minimum, one.source.maximum
    if low is None or high is None or low < high:
        inside = within(decoded, low, high)
        if inside is None:
            return Unfit.OUT_OF_RANGE
        decoded = inside
    return one.mapped.value(decoded)


BOUNDS = [
    each
    for mark in ("", MARK)
    for entry in ENTRIES
    for every in bound(MESSAGES + mark, f"  {entry}\n").by_layout.values()
    for each in every.values()
]
CODES = (0, 1, 2, 3, 7, 0x0F, 0x7F, 0x80, 0xF0, 0xFA, 0xFE, 0xFF)
BYTES = st.sampled_from(CODES) | st.integers(0, 255)


@settings(max_examples=500)
@given(
    one=st.sampled_from(BOUNDS),
    data=st.lists(BYTES, min_size=8, max_size=8).map(bytes) | st.binary(min_size=3, max_size=8),
)
def test_a_prepared_value_is_that_of_the_rules(one: Bound, data: bytes) -> None:
    codes = one.of.read(data).codes
    if one.source.name in codes:
        asked = {name: codes[name] for name in one.asks if name in codes}
        assert repr(one.value(asked)) == repr(by_the_rules(one, codes))


def test_every_outcome_is_among_those_compared() -> None:
    outcomes = {
        by_the_rules(one, one.of.read(bytes([low, 1, flags, flags, 0, state, low, 0])).codes)
        for one in BOUNDS for low in CODES for flags in CODES for state in CODES
    }  # fmt: skip
    assert {Unfit.INVALID, Unfit.NOT_AVAILABLE, Unfit.OUT_OF_RANGE, "TWO_D", True} <= outcomes
