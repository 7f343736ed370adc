"""The multiples of a step: which one a value becomes, in the digits of the step.

Both are judged as they are written (``telemetry.decimals``): a value on a bound belongs to it,
and what leaves is the float of the multiple's own digits, 0.3 and not 0.30000000000000004.
"""

from collections.abc import Callable

from telemetry.decimals import ratio, steps_below

ToMultiple = Callable[[float], float]


def below(step: float) -> ToMultiple:
    """The function to the multiple of ``step`` at or below a value."""
    top, bottom = ratio(step)
    if bottom == 1:
        # Whole multiples stay whole: they are written faster and shorter.
        return lambda value: steps_below(value, top, bottom) * top
    return lambda value: steps_below(value, top, bottom) * top / bottom


def nearest(step: float) -> ToMultiple:
    """The function to the multiple of ``step`` nearest to a value; a half goes up."""
    top, bottom = ratio(step)
    if bottom == 1 < top:
        return lambda value: steps_below(value, top, bottom, half=True) * top
    # Python divides whole numbers with one rounding: to the float of the exact digits.
    return lambda value: steps_below(value, top, bottom, half=True) * top / bottom
