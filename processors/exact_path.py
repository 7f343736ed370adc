"""The exact path: what is unusual about an envelope, reading by reading.

Slower than the plan's decoder and used when that one refuses. Good readings go on; bad
ones are counted under a reason. Nothing of a payload leaves here but what is admitted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import UNSET

from processors.fast_path import value_type
from processors.people import People
from processors.program import Program
from telemetry.envelope import (
    ENVELOPE_BYTES_MAX,
    ENVELOPE_VERSION,
    READINGS_MAX,
    Envelope,
    decode_envelope,
)
from telemetry.identity import MASK
from telemetry.instants import DAY_MS, to_ms
from telemetry.outcome import Rejected
from telemetry.record import TROUBLE_CODES, Series
from telemetry.signals import Signal

AHEAD_MS_MAX: Final = DAY_MS
"""Events further ahead of their reception are rejected: no purpose opens by a wrong date."""

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(slots=True, repr=False)
class Admitted:
    """An envelope's admitted readings as typed columns, by signal path."""

    id: str
    device: str
    t0_ms: int
    trip_started_ms: int | None
    columns: dict[str, Series] = field(default_factory=dict)
    trouble_codes: list[str] = field(default_factory=list)
    not_collected: int = 0
    rejected: Counter[Rejected] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return f"Admitted({MASK})"

    @property
    def span_ms(self) -> tuple[int, int] | None:
        """First and last event time, None if nothing is left."""
        deltas = [delta for column in self.columns.values() for delta in column.dt]
        if self.trouble_codes:
            deltas.append(0)
        return (self.t0_ms + min(deltas), self.t0_ms + max(deltas)) if deltas else None

    def split(self, at_ms: int) -> "tuple[Admitted, Admitted]":
        """The readings before an instant, and those from it on; counts stay behind."""
        return self._half(at_ms, early=True), self._half(at_ms, early=False)

    def _half(self, at_ms: int, *, early: bool) -> "Admitted":
        columns = {}
        for path, column in self.columns.items():
            mine = [
                (delta, value)
                for delta, value in zip(column.dt, column.value, strict=True)
                if (self.t0_ms + delta < at_ms) == early
            ]
            if mine:
                columns[path] = Series(column.unit, [d for d, _ in mine], [v for _, v in mine])
        codes = self.trouble_codes if (self.t0_ms < at_ms) == early else []
        half = Admitted(self.id, self.device, self.t0_ms, self.trip_started_ms, columns, codes)
        return half if codes else half.begun_by_itself()

    def begun_by_itself(self) -> "Admitted":
        """The same readings, counted from the first of them: no t0 ties two owners together."""
        span = self.span_ms
        if span is None:
            return self
        into_ms = span[0] - self.t0_ms
        columns = {
            path: Series(column.unit, [delta - into_ms for delta in column.dt], column.value)
            for path, column in self.columns.items()
        }
        return Admitted(
            self.id, self.device, span[0], self.trip_started_ms, columns, self.trouble_codes
        )


def admit(
    program: Program, people: People, value: bytes | None, received_ms: int
) -> Admitted | Counter[Rejected]:
    """Judge one raw record: what is admitted of it, or the one reason why nothing is."""
    if value is None:
        return Counter({Rejected.NO_PAYLOAD: 1})
    if len(value) > ENVELOPE_BYTES_MAX:
        return Counter({Rejected.OVERSIZED: 1})
    try:
        envelope = decode_envelope(value)
    except UNDECODABLE:
        return Counter({_shape_fault(value): 1})
    fault = _envelope_fault(people, envelope, received_ms)
    if fault is not None:
        return Counter({fault: max(1, envelope.readings)})
    return _columns(program, envelope)


def _shape_fault(value: bytes) -> Rejected:
    try:
        loose = msgspec.json.decode(value)
    except UNDECODABLE:
        return Rejected.MALFORMED
    if not isinstance(loose, dict):
        return Rejected.MALFORMED
    if loose.get("v") != ENVELOPE_VERSION:
        return Rejected.UNKNOWN_VERSION
    if loose.keys() - set(Envelope.__struct_fields__):
        return Rejected.UNKNOWN_FIELD
    return Rejected.MALFORMED


def _envelope_fault(people: People, envelope: Envelope, received_ms: int) -> Rejected | None:
    readings = envelope.readings
    if readings > READINGS_MAX:
        return Rejected.TOO_MANY_READINGS
    if readings == 0:
        return Rejected.NO_READINGS
    registered_ms = people.registered_ms(envelope.device)
    if registered_ms is None:
        return Rejected.UNKNOWN_DEVICE
    t0_ms = to_ms(envelope.clock.t0)
    deltas = [d for column in envelope.series.values() for d in column.dt] or [0]
    if t0_ms + max(0, *deltas) > received_ms + AHEAD_MS_MAX:
        return Rejected.FROM_THE_FUTURE
    if t0_ms + min(0, *deltas) < registered_ms:
        return Rejected.BEFORE_REGISTRATION
    return None


def _columns(program: Program, envelope: Envelope) -> Admitted:
    trip = envelope.trip
    started = UNSET if trip is UNSET else trip.started
    admitted = Admitted(
        envelope.id,
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
            dt, value = [d for d, _ in kept], [v for _, v in kept]
            admitted.columns[path] = Series(signal.unit, dt, value)
    if TROUBLE_CODES in program.index:
        admitted.trouble_codes = envelope.dtc
    else:
        admitted.not_collected += len(envelope.dtc)
    return admitted


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
