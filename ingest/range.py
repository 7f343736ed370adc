"""Whether a value lies in a range: the one question of every source, asked before rounding."""

import math

_DUST = 1e-12
"""Relative: what binary fractions add to an exact product (1023 * 0.1 is
102.30000000000001) is no difference. Far below any sensor's resolution."""


def within(value: float, low: float | None, high: float | None) -> float | None:
    """The value if it is inside the inclusive bounds, else None; None is no bound.

    A value past a bound by no more than a binary fraction's error is that bound. Ask
    before rounding: 100.43 rounds to 100 and was never inside 0 to 100.
    """
    if not math.isfinite(value):
        return None
    if low is not None and value < low:
        return low if math.isclose(value, low, rel_tol=_DUST, abs_tol=1e-12) else None
    if high is not None and value > high:
        return high if math.isclose(value, high, rel_tol=_DUST, abs_tol=1e-12) else None
    return value
