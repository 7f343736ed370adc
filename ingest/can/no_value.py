"""Codes that say that there is no value, by what the database itself tells.

In: a signal of a database and a code. Out: whether the code is one of them. What only
the maker knows stands in the map's ``invalid``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from cantools.database.can import Message, Signal

from ingest.can.layout import Code

_NO_VALUE: Final = re.compile(
    r"n\.?/?a\.?|error|error indicator|reserved|undefined"
    r"|(?:.*[\W_])?(?:sna|not[ _]?available|unavailable|not[ _]?valid|invalid|no[ _]?data)",
    re.IGNORECASE,
)
"""Names of codes in use for "signal not available": makers agree on the words, not
on codes. The whole name, or its end after a prefix as in DI_GEAR_SNA."""

_J1939_FROM: Final = 0xFB
"""SAE J1939-71, transmitted signal ranges: FB parameter-specific, FC and FD reserved,
FE error, FF not available, in the most significant byte of 1, 2, 3 or 4 bytes."""

_STATES_OF_SEVEN: Final = 3


def says_none(message: Message, signal: Signal) -> Callable[[Code], bool]:
    """The test of a code: True if its signal has no value at that moment."""
    named = named_none(signal)
    j1939 = message.protocol == "j1939" and not signal.conversion.is_float
    length, signed = signal.length, signal.is_signed

    def none(code: Code) -> bool:
        return code in named or (j1939 and _j1939_none(int(code), length, signed=signed))

    return none


def named_none(signal: Signal) -> frozenset[Code]:
    """The codes to which the database gives a name such as SNA, and its invalid code."""
    # One bit has two states and no code to spare: "invalid" is then the name of a state.
    choices: Mapping[int, object] = (signal.length > 1 and signal.conversion.choices) or {}
    found: set[Code] = {
        code for code, name in choices.items() if _NO_VALUE.fullmatch(str(name).strip())
    }
    if signal.raw_invalid is not None:
        found.add(signal.raw_invalid)
    return frozenset(found)


def all_ones(code: Code, length: int) -> bool:
    """Whether every bit is set: nobody names that a value on a J1939 bus."""
    return isinstance(code, int) and code & (1 << length) - 1 == (1 << length) - 1


def _j1939_none(code: int, length: int, *, signed: bool) -> bool:
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
    if length % 8 == 0:
        return bits >> length - 8 >= _J1939_FROM
    # States of 2 bits: 10 error, 11 not available. Those of 3 bits use 110 for a state.
    return length != _STATES_OF_SEVEN and bits == ones - 1
