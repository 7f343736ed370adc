"""An envelope's admitted columns, as both paths hand them to the minimiser."""

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from processors.fast_path import decode_times
from telemetry.envelope import READINGS_MAX


class Readings(NamedTuple):
    """Times and values by column; ``present`` are the columns' places in the tally row.

    Neighbouring columns may share one list of times: it is never changed.
    """

    present: tuple[int, ...]
    times: list[list[int]]
    values: list[list[Any]]
    trouble_codes: list[str]
    low_ms: int
    high_ms: int
    """No time lies below or above these."""


def usual_readings(series: Any, trouble_codes: list[str]) -> Readings | None:
    """What the plan's decoder read; None if a column is not whole or nothing is there.

    Raises what that decoder raises, if times are not usual. None of them is before t0.
    """
    present = []
    times = []
    values = []
    count = len(trouble_codes)
    written: msgspec.Raw | None = None
    dt: list[int] = []
    high_ms = 0
    for place, column in enumerate(msgspec.structs.astuple(series)):
        if column is UNSET:
            continue
        if column.dt != written:
            written = column.dt
            dt = decode_times(written)
            if not dt:
                return None
            high_ms = max(high_ms, *dt)
        value = column.value
        if len(dt) != len(value):
            return None
        present.append(place)
        times.append(dt)
        values.append(value)
        count += len(dt)
    if not 0 < count <= READINGS_MAX:
        return None
    return Readings(tuple(present), times, values, trouble_codes, 0, high_ms)
