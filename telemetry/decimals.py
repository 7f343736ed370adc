"""How many steps fit below a number, decided on the decimal digits in which it is written.

28.3 divided by 0.1 is a little less than 283 in binary floating point, and 139.7 degrees less
100 a little less than 39.7: a value on a bound would count as its neighbour. Here a float means
its shortest decimal text, as JSON writes it, so that a value on a bound belongs to that bound.
"""

from collections.abc import Callable
from decimal import Decimal
from math import floor
from typing import Final

CountSteps = Callable[[float], int]

_NEAR: Final = 1e-6
"""Closer than this to a bound, floating point does not decide."""
_FAR: Final = 1 - _NEAR
_COUNT_MAX: Final = 2.0**30
"""Up to here three roundings of 2**-53 stay below ``_NEAR``."""


def steps_of(top: int, bottom: int, *, half: bool = False) -> CountSteps:
    """The function to the largest whole n with n * top/bottom <= value; with ``half``, the nearest.

    One function for a whole column: it is called for every reading.
    """
    up = 0.5 if half else 0.0

    def count_steps(value: float) -> int:
        if isinstance(value, float):
            count = value * bottom / top + up
            if -_COUNT_MAX < count < _COUNT_MAX:
                whole = floor(count)
                if _NEAR < count - whole < _FAR:
                    return whole
        over, under = ratio(value)
        return (2 * over * bottom + half * top * under) // (2 * top * under)

    return count_steps


def ratio(number: float) -> tuple[int, int]:
    """The number as its digits say, as a fraction."""
    return Decimal(repr(number)).as_integer_ratio()
