"""A signal's code in a frame's bytes: the bits, and what number they are.

In: a signal of a database and how many bytes a frame has. Out: what takes the code out of such a
frame, read as one whole number. Prepared once for all frames of that length.
"""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from cantools.database.can import Signal

Code = int | float
"""What stands in the bits, before the database's factor and offset."""

_FLOATS: Final = {16: struct.Struct("<e"), 32: struct.Struct("<f"), 64: struct.Struct("<d")}
"""IEEE 754 has floats of these lengths only."""


class Reader(NamedTuple):
    """``code`` takes the frame as a whole number, its first byte the highest if ``big``."""

    name: str
    big: bool
    code: Callable[[int], Code]


def decodable(signal: Signal) -> bool:
    """Whether its bits can be a number."""
    return not signal.conversion.is_float or signal.length in _FLOATS


def first_bit(signal: Signal) -> int:
    """The signal's first bit in the order of transmission for big-endian, else its lowest."""
    if signal.byte_order == "big_endian":
        return 8 * (signal.start // 8) + 7 - signal.start % 8
    return signal.start


def end_bit(signal: Signal) -> int:
    """The bit after its last: a frame has the signal if it has as many."""
    return first_bit(signal) + signal.length


def reader(signal: Signal, size: int) -> Reader:
    """What reads the signal in frames of ``size`` bytes, which are long enough for it."""
    big = signal.byte_order == "big_endian"
    shift = 8 * size - end_bit(signal) if big else signal.start
    mask, sign = (1 << signal.length) - 1, 1 << signal.length - 1
    if signal.conversion.is_float:
        form = _FLOATS[signal.length]
        return Reader(signal.name, big, _float(shift, mask, form))
    if signal.is_signed:
        return Reader(signal.name, big, lambda whole: ((whole >> shift & mask) ^ sign) - sign)
    return Reader(signal.name, big, lambda whole: whole >> shift & mask)


def _float(shift: int, mask: int, form: struct.Struct) -> Callable[[int], float]:
    def code(whole: int) -> float:
        value: float = form.unpack((whole >> shift & mask).to_bytes(form.size, "little"))[0]
        return value

    return code


def codes(readers: tuple[Reader, ...], data: bytes) -> dict[str, Code]:
    """What the readers take out of a frame."""
    little, big = int.from_bytes(data, "little"), int.from_bytes(data, "big")
    return {name: code(big if is_big else little) for name, is_big, code in readers}
