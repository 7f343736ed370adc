"""The multiples of a step: which ones values become, in the digits of the step.

Both are judged as they are written (``telemetry.decimals``): a value on a bound belongs to it,
and what leaves is the float of the multiple's own digits, 0.3 and not 0.30000000000000004.
"""

from collections.abc import Callable, Iterable

from telemetry.decimals import CountSteps, ratio, steps_of

ToMultiples = Callable[[Iterable[float]], list[float]]
"""From a column's values to as many multiples."""


def below(step: float) -> ToMultiples:
    """The function to the multiples of ``step`` at or below values."""
    top, bottom = ratio(step)
    # Whole multiples stay whole: they are written faster and shorter.
    return _multiples(steps_of(top, bottom), top, bottom, whole=bottom == 1)


def nearest(step: float) -> ToMultiples:
    """The function to the multiples of ``step`` nearest to values; a half goes up."""
    top, bottom = ratio(step)
    return _multiples(steps_of(top, bottom, half=True), top, bottom, whole=bottom == 1 < top)


def _multiples(count: CountSteps, top: int, bottom: int, *, whole: bool) -> ToMultiples:
    if whole:
        return lambda values: [n * top for n in map(count, values)]
    # Python divides whole numbers with one rounding: to the float of the exact digits.
    return lambda values: [n * top / bottom for n in map(count, values)]
