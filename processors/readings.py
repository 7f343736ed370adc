"""An envelope's admitted columns, as both paths hand them to the minimiser."""

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from telemetry.envelope import READINGS_MAX


class Readings(NamedTuple):
    """Times and values by column; ``present`` are the columns' places in the tally row.

    Columns with equal times share one list of them, as far as neighbours go.
    """

    present: tuple[int, ...]
    times: list[list[int]]
    values: list[list[Any]]
    trouble_codes: list[str]
    low_ms: int
    high_ms: int
    """No time lies below or above these."""


def usual_readings(series: Any, trouble_codes: list[str]) -> Readings | None:
    """What the plan's decoder read; None where a column is not whole or nothing is there.

    That decoder takes no time before t0.
    """
    present = []
    times = []
    values = []
    count = len(trouble_codes)
    last: list[int] = []
    high_ms = 0
    for place, column in enumerate(msgspec.structs.astuple(series)):
        if column is UNSET:
            continue
        dt, value = column.dt, column.value
        if not dt or len(dt) != len(value):
            return None
        if dt != last:
            last = dt
            high_ms = max(high_ms, *dt)
        present.append(place)
        times.append(last)
        values.append(value)
        count += len(dt)
    if not 0 < count <= READINGS_MAX:
        return None
    return Readings(tuple(present), times, values, trouble_codes, 0, high_ms)
