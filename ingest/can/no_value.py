"""Codes that say that there is no value, by what the database itself tells.

In: a signal of a database and a code. Out: whether the code is one of them. What only
the maker knows stands in the map's ``invalid``.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cantools.database.can import Message, Signal

from ingest.can.bits import Code
from ingest.can.no_value_names import says_no_value

J1939_VALID_MAX: Final[Mapping[int, int]] = {
    2: 0x1,
    4: 0xA,
    8: 0xFA,
    10: 0x3FA,
    12: 0xFAF,
    16: 0xFAFF,
    20: 0xFAFFF,
    24: 0xFAFFFF,
    28: 0xFAFFFFF,
    32: 0xFAFFFFFF,
}
"""SAE J1939-71, transmitted signal ranges: the highest value by the length in bits. Above it are
parameter-specific (FB), reserved (FC, FD), error (FE) and not available (FF)."""

_STATES_OF_SEVEN: Final = 3


def says_none(message: Message, signal: Signal) -> Callable[[Code], bool]:
    """The test of a code: True if its signal has no value at that moment."""
    named = frozenset(as_read(signal, code) for code in named_none(signal))
    j1939 = message.protocol == "j1939" and not signal.conversion.is_float
    length, signed = signal.length, signal.is_signed
    meant = frozenset(as_read(signal, code) for code in signal.conversion.choices or {}) - named

    def none(code: Code) -> bool:
        if code in named:
            return True
        if not j1939 or (code in meant and not all_ones(code, length)):
            return False
        return j1939_none(int(code), length, signed=signed)

    return none


def named_none(signal: Signal) -> frozenset[Code]:
    """The codes to which the database gives a name such as SNA, and its invalid code."""
    # One bit has two states and no code to spare: "invalid" is then the name of a state.
    choices: Mapping[int, object] = (signal.length > 1 and signal.conversion.choices) or {}
    found: set[Code] = {code for code, name in choices.items() if says_no_value(str(name))}
    if signal.raw_invalid is not None:
        found.add(signal.raw_invalid)
    return frozenset(found)


def as_read(signal: Signal, code: Code) -> Code:
    """The code as the signal's bits are read, whichever way a person wrote it down.

    Of a signed byte 255 and -1 are the same bits; databases and maps have either.
    """
    length = signal.length
    if signal.conversion.is_float or not isinstance(code, int) or not fits(code, length):
        return code
    bits = code & (1 << length) - 1
    return bits - (1 << length) if signal.is_signed and bits >> length - 1 else bits


def fits(code: int, length: int) -> bool:
    """Whether so many bits can hold the code, signed or not."""
    return -(1 << length - 1) <= code < 1 << length


def all_ones(code: Code, length: int) -> bool:
    """Whether every bit is set: nobody names that a value on a J1939 bus."""
    return isinstance(code, int) and code & (1 << length) - 1 == (1 << length) - 1


def j1939_none(code: int, length: int, *, signed: bool) -> bool:
    """Whether a field of ``length`` bits of a J1939 message holds no value."""
    ones = (1 << length) - 1
    bits = code & ones
    if length == 1:
        return False
    if bits == ones:
        return True
    if signed:
        # J1939-71 shifts by an offset; two's complement is NMEA 2000's, whose highest
        # codes say not available and error.
        return bits in (ones >> 1, (ones >> 1) - 1)
    if length in J1939_VALID_MAX:
        return bits > J1939_VALID_MAX[length]
    if length % 8 == 0:
        # 40 bits and more: as the most significant byte of shorter ones.
        return bits >> length - 8 > J1939_VALID_MAX[8]
    # The standard has no range of this length: 10 error, 11 not available, as of a state. Those of
    # 3 bits use 110 for a state.
    return length != _STATES_OF_SEVEN and bits == ones - 1
