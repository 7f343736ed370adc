"""Columns judged reading by reading: unit, type, range, and positions that are none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from policy.vocabulary.operations import PAIR
from processors.admission.admitted import Admitted, series_of
from processors.admission.fast_path import value_type
from processors.program import Program
from telemetry.envelope import Envelope
from telemetry.instants import to_ms
from telemetry.outcome import Rejected
from telemetry.record import TROUBLE_CODES, Series
from telemetry.signals import Signal


def admit_columns(program: Program, envelope: Envelope, content: bytes) -> Admitted:
    """The envelope's readings, each judged by itself; what is not admitted is counted."""
    trip = envelope.trip
    started = UNSET if trip is UNSET else trip.started
    admitted = Admitted(
        envelope.id,
        content,
        envelope.device,
        to_ms(envelope.clock.t0),
        None if started is UNSET else to_ms(started),
        not_collected=len(envelope.frames),
    )
    for path, column in envelope.series.items():
        readings = max(len(column.dt), len(column.value))
        signal = _known(program.plan.catalogue.by_path, path)
        if signal is None:
            admitted.rejected[Rejected.UNKNOWN_SIGNAL] += readings
        elif len(column.dt) != len(column.value):
            admitted.rejected[Rejected.COLUMN_MISMATCH] += readings
        elif path not in program.index:
            admitted.not_collected += readings
        elif column.unit != signal.unit:
            admitted.rejected[Rejected.WRONG_UNIT] += readings
        elif kept := _typed(signal, column.dt, column.value, admitted.rejected):
            admitted.columns[path] = series_of(signal.unit, kept)
    _without_fix(admitted)
    admitted.unpairable = frozenset(
        delta
        for path in PAIR
        if path in envelope.series
        for delta in _ambiguous(envelope.series[path].dt, admitted.columns.get(path))
    )
    if TROUBLE_CODES in program.index:
        admitted.trouble_codes = envelope.dtc
    else:
        admitted.not_collected += len(envelope.dtc)
    return admitted


def _without_fix(admitted: Admitted) -> None:
    """Reject positions of exactly 0/0: what a receiver sends that does not know where it is."""
    columns = [admitted.columns.get(path) for path in PAIR]
    zeros = [
        {delta for delta, value in zip(one.dt, one.value, strict=True) if value == 0}
        for one in columns
        if one is not None
    ]
    nowhere = zeros[0] & zeros[1] if len(zeros) == len(PAIR) else set()
    if not nowhere:
        return
    for path in PAIR:
        column = admitted.columns.pop(path)
        readings = list(zip(column.dt, column.value, strict=True))
        known = [(delta, value) for delta, value in readings if value != 0 or delta not in nowhere]
        admitted.rejected[Rejected.NO_FIX] += len(readings) - len(known)
        if known:
            admitted.columns[path] = series_of(column.unit, known)


def _ambiguous(sent: Sequence[int], column: Series | None) -> set[int]:
    """Times that stood several times and lost a reading."""
    often = Counter(sent)
    lost = often - Counter(() if column is None else column.dt)
    return {delta for delta in lost if often[delta] > 1}


def _known(catalogue: Mapping[str, Signal], path: str) -> Signal | None:
    signal = catalogue.get(path)
    return None if signal is None or signal.derived or path == TROUBLE_CODES else signal


def _typed(
    signal: Signal, dt: list[int], values: list[Any], rejected: Counter[Rejected]
) -> list[tuple[int, Any]]:
    wanted = value_type(signal)
    kept = []
    for delta, value in zip(dt, values, strict=True):
        if not _right_type(signal, value):
            rejected[Rejected.WRONG_TYPE] += 1
            continue
        try:
            kept.append((delta, msgspec.convert(value, wanted, strict=False)))
        except msgspec.ValidationError:
            rejected[Rejected.OUT_OF_RANGE] += 1
    return kept


def _right_type(signal: Signal, value: Any) -> bool:
    if signal.datatype == "boolean":
        return isinstance(value, bool)
    if signal.datatype == "string":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # An integer of JSON may be too long for a float: its range is judged, not its type.
    return isinstance(value, int) or not signal.is_integer or value.is_integer()
