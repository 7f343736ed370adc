"""An envelope's admitted columns, as both paths hand them to the minimiser."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from policy.vocabulary.operations import PAIR
from processors.admission.admitted import Singles
from processors.admission.fast_path import USUAL_SPAN_MS, decode_times, known
from processors.program import Program
from telemetry.wire.envelope import COLUMNS_MAX, ENVELOPE_BYTES_MAX, READINGS_MAX, Column
from telemetry.wire.envelope_content import content_of


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
    singles: Singles = MappingProxyType({})
    not_collected: int = 0
    """Readings, and trouble codes, that no output keeps."""


UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a text that it does not take."""

_USUAL_TIME_MAX: Final = len("2026-11-20T10:15:30.123456Z")


def usual_envelope(program: Program, value: bytes | None) -> tuple[Any, Readings, bytes] | None:
    """The envelope, its readings and its content's digest, if nothing about it is unusual."""
    if value is None or len(value) > ENVELOPE_BYTES_MAX:
        return None
    try:
        envelope = program.decoder.decode(value)
        readings = _usual_readings(envelope.series, envelope.dtc)
    except UNDECODABLE:
        return None
    if readings is None or _may_lack_a_fix(program, readings):
        return None
    content = content_of(value)
    if content is None or not _usual_times(content.members):
        return None
    kept = _without_uncollected(program, readings, content.members.get("series", {}))
    return None if kept is None else (envelope, kept, content.digest)


def _without_uncollected(
    program: Program, readings: Readings, series: Mapping[str, Any]
) -> Readings | None:
    """What outputs keep, the rest counted; None if that is nothing, or the rest is unusual."""
    left_out = 0
    if readings.trouble_codes and not program.collects_codes:
        left_out = len(readings.trouble_codes)
        readings = readings._replace(trouble_codes=[])
    if len(series) > len(readings.present):
        if len(series) > COLUMNS_MAX:
            return None
        for path, said in series.items():
            if path not in program.index:
                count = _left_out(program, path, said)
                if count is None:
                    return None
                left_out += count
    if not left_out:
        return readings
    collected = sum(map(len, readings.times)) + len(readings.trouble_codes)
    if collected == 0 or collected + left_out > READINGS_MAX:
        return None
    return readings._replace(not_collected=left_out)


def _left_out(program: Program, path: str, said: Any) -> int | None:
    """How many readings a column holds that no output keeps; None if it is unusual.

    Its shape is judged by what judges it on the exact path; its values are judged nowhere.
    """
    if path in PAIR or known(program.plan.catalogue.by_path, path) is None:
        return None
    try:
        column = msgspec.convert(said, Column)
    except UNDECODABLE:
        return None
    dt = column.dt
    usual = not dt or 0 <= min(dt) <= max(dt) <= USUAL_SPAN_MS
    return len(dt) if usual and len(dt) == len(column.value) else None


def _may_lack_a_fix(program: Program, readings: Readings) -> bool:
    places = [program.index.get(path, -1) for path in PAIR]
    if not all(place in readings.present for place in places):
        return False
    return all(0 in readings.values[readings.present.index(place)] for place in places)


def _usual_times(members: dict[str, Any]) -> bool:
    """Whether no time is so long that its decoder would round it."""
    times = (members["clock"]["t0"], members.get("trip", {}).get("started", ""))
    return all(len(text) <= _USUAL_TIME_MAX for text in times)


def _usual_readings(series: Any, trouble_codes: list[str]) -> Readings | None:
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
