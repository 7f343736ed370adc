"""What rounding and bucketing mean, once for everyone: cases, processors, documentation."""

import math
from collections.abc import Iterable

from policy.operations import Bucket, Keep, Operation, Round, ThinCount, ThinTime


def round_half_up_to_step(value: float, step: float) -> float:
    """The nearest multiple of ``step``; a half goes up. 0.01 steps give 35.68, not 35.6800…1."""
    parts = round(1 / step)
    if parts >= 1 and 1 / step == parts:
        return math.floor(value * parts + 0.5) / parts
    return math.floor(value / step + 0.5) * step


def bucket(value: float, width: float) -> float:
    """The multiple of ``width`` at or below the value."""
    return math.floor(value / width) * width


def apply(operations: Iterable[Operation], value: float) -> float:
    """The value after the operations that treat one number by itself.

    Thinning chooses readings and leaves their values alone. ValueError for an operation
    that has no meaning on one number (a mesh needs two, ``drop`` leaves none).
    """
    for operation in operations:
        match operation:
            case Round(step):
                value = round_half_up_to_step(value, step)
            case Bucket(width):
                value = bucket(value, width)
            case Keep() | ThinTime() | ThinCount():
                pass
            case _:
                msg = f"{type(operation).__name__} does not map one number to one number"
                raise ValueError(msg)
    return value
