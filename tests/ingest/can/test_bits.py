"""Codes are those that cantools takes out, and what a frame holds is found once for its kind."""

import random
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.can.bound_map import BoundMap, Taken
from ingest.can.decode import Undecoded, load_decoder
from ingest.logs.frame import LoggedFrame
from tests.ingest.can import by_cantools
from tests.ingest.can.drives import bound, frames
from tests.ingest.captures import GNSS_DBC, SHARED, needs

MESSAGE = "BO_ 291 M: 64 N\n"
TYPES = "SIG_VALTYPE_ 291 {}"


def as_text(number: object) -> str:
    """Not a number is equal to nothing; a text of it is, and tells 0.0 from -0.0 and from 0."""
    return repr(number)


def alike(one: dict[str, object], other: dict[str, object]) -> bool:
    return {n: as_text(v) for n, v in one.items()} == {n: as_text(v) for n, v in other.items()}


@given(
    start=st.integers(0, 200),
    length=st.integers(1, 64),
    little=st.booleans(),
    signed=st.booleans(),
    data=st.binary(max_size=32),
)
def test_whole_numbers_are_those_of_cantools(
    start: int, length: int, data: bytes, *, little: bool, signed: bool
) -> None:
    sign = "-" if signed else "+"
    dbc = f'{MESSAGE} SG_ S : {start}|{length}@{int(little)}{sign} (1,0) [0|0] "" N\n'
    [of] = bound(dbc, "  {}").decoder.layouts
    assert alike({**of.read(data).codes}, {**by_cantools.codes(of, data)})


@given(
    kind=st.sampled_from([(16, 1), (32, 1), (64, 2)]),
    start=st.integers(0, 40),
    little=st.booleans(),
    data=st.binary(max_size=16),
)
def test_floats_are_those_of_cantools(
    kind: tuple[int, int], start: int, data: bytes, *, little: bool
) -> None:
    length, written = kind
    dbc = (
        f'{MESSAGE} SG_ S : {start}|{length}@{int(little)}- (1,0) [0|0] "" N\n'
        f"SIG_VALTYPE_ 291 S : {written};\n"
    )
    [of] = bound(dbc, "  {}").decoder.layouts
    assert alike({**of.read(data).codes}, {**by_cantools.codes(of, data)})


def test_a_zero_keeps_its_sign() -> None:
    dbc = f'{MESSAGE} SG_ S : 0|32@1- (1,0) [0|0] "" N\nSIG_VALTYPE_ 291 S : 1;\n'
    [of] = bound(dbc, "  {}").decoder.layouts
    assert as_text(of.read(struct.pack("<f", -0.0)).codes["S"]) == "-0.0"


MUXED = """
BO_ 1885 Mux: 8 N
 SG_ Sel M : 0|4@1+ (1,0) [0|12] "" N
 SG_ Common : 8|8@1+ (1,0) [0|255] "km/h" N
 SG_ Late : 56|8@1+ (1,0) [0|255] "" N
 SG_ Inner m1M : 4|4@1+ (1,0) [0|9] "" N
 SG_ A m0 : 16|8@1+ (1,0) [0|255] "" N
 SG_ B m1 : 16|16@1- (2,0) [0|0] "" N
 SG_ Deep m2 : 24|8@1+ (1,0) [0|255] "km/h" N

SG_MUL_VAL_ 1885 A Sel 0-0;
SG_MUL_VAL_ 1885 B Sel 1-1;
SG_MUL_VAL_ 1885 Inner Sel 1-1;
SG_MUL_VAL_ 1885 Deep Inner 2-2, 5-7;
"""
MAP = """
  Mux.Common: {path: Vehicle.Speed, unit: km/h, valid: Late, invalid: [{A: 255, Deep: 7}]}
  Mux.B: {path: Vehicle.TraveledDistance, unit: m}
  Mux.Deep: {path: Vehicle.Speed, unit: km/h}
"""


def told(taken: Taken | Undecoded) -> object:
    if isinstance(taken, Undecoded):
        return taken
    there = taken.there
    return (
        there.values, there.unmapped, [b.source.name for b in there.mapped],
        [b.source.name for b in there.cut_off], dict(taken.codes),
        [b.value(taken.codes) for b in there.mapped],
    )  # fmt: skip


OWN = bound(MUXED, MAP)


@given(
    st.lists(
        st.binary(max_size=8)
        | st.builds(lambda head, rest: bytes([head]) + rest, st.integers(0, 0x72), st.binary(max_size=7)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_a_frame_holds_the_same_whatever_came_before_it(payloads: list[bytes]) -> None:
    for data in payloads:
        frame = LoggedFrame(0, "can0", 1885, ext=False, data=data, direction="rx")
        anew = BoundMap(OWN.decoder, OWN.by_layout)
        assert told(OWN.take(frame)) == told(anew.take(frame))
        [of] = OWN.decoder.layouts
        found = anew.take(frame)
        if not isinstance(found, Undecoded):
            every = by_cantools.codes(of, data)
            assert found.codes.items() <= every.items()
            assert found.there.values - len(found.there.cut_off) == len(every)


def test_more_kinds_and_senders_than_are_held_are_found_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = "75D#00 75D#0033 75D#013407 75D#0534FFFF07 18FEF100#00 75D#0033 75D#013407"
    whole = [told(bound(MUXED, MAP).take(frame)) for frame in frames(words)]
    monkeypatch.setattr("ingest.can.bound_map._KINDS_HELD", 1)
    monkeypatch.setattr("ingest.can.bound_map._SENDERS_HELD", 1)
    own = bound(MUXED, MAP)
    assert [told(own.take(frame)) for frame in frames(words)] == whole


@pytest.mark.shared_data
@needs(GNSS_DBC)
def test_every_message_of_real_databases_is_read_as_cantools_reads_it() -> None:
    chance = random.Random(5)
    read = 0
    for path in sorted(SHARED.rglob("*.dbc")):
        for of in load_decoder(path).layouts[:60]:
            for size in (of.message.length, chance.randrange(9)):
                data = bytes(chance.choice([0, 1, 255, chance.randrange(256)]) for _ in range(size))
                assert alike({**of.read(data).codes}, {**by_cantools.codes(of, data)}), path.name
                read += 1
    assert read > 500


@given(st.data())
def test_signals_that_share_bits_are_read_each_by_its_own(data: st.DataObject) -> None:
    signals = data.draw(
        st.lists(st.tuples(st.integers(0, 63), st.integers(1, 32), st.booleans()), max_size=6)
    )
    lines = [
        f' SG_ S{n} : {start}|{length}@{int(little)}+ (1,0) [0|0] "" N\n'
        for n, (start, length, little) in enumerate(signals)
    ]
    assume(lines)
    [of] = bound(MESSAGE + "".join(lines), "  {}").decoder.layouts
    payload = data.draw(st.binary(max_size=16))
    assert alike({**of.read(payload).codes}, {**by_cantools.codes(of, payload)})
