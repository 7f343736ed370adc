"""Columns judged reading by reading: unit, type, range, and positions that are none."""

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from policy.vocabulary.operations import PAIR
from processors.admission.admitted import Admitted, Singles, series_of
from processors.program import Program
from telemetry.instants import to_ms
from telemetry.outcome import Rejected
from telemetry.signals import Signal
from telemetry.wire.envelope import Column, Envelope
from telemetry.wire.record import TROUBLE_CODES


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
    places: dict[str, list[int]] = {}
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
        elif kept := _typed(signal, column.value, admitted.rejected):
            places[path] = [place for place, _ in kept]
            readings_of = [(column.dt[place], value) for place, value in kept]
            admitted.columns[path] = series_of(signal.unit, readings_of)
    _without_fix(admitted, places)
    admitted.singles = _singles(envelope.series, places)
    if TROUBLE_CODES in program.index:
        admitted.trouble_codes = envelope.dtc
    else:
        admitted.not_collected += len(envelope.dtc)
    return admitted


def _without_fix(admitted: Admitted, places: dict[str, list[int]]) -> None:
    """Reject positions of exactly 0/0: what a receiver sends that does not know where it is."""
    columns = [admitted.columns[path] for path in PAIR if path in admitted.columns]
    zeros = [
        {delta for delta, value in zip(one.dt, one.value, strict=True) if value == 0}
        for one in columns
    ]
    nowhere = zeros[0] & zeros[1] if len(zeros) == len(PAIR) else set()
    if not nowhere:
        return
    for path in PAIR:
        column = admitted.columns.pop(path)
        readings = list(zip(places[path], column.dt, column.value, strict=True))
        known = [one for one in readings if one[2] != 0 or one[1] not in nowhere]
        admitted.rejected[Rejected.NO_FIX] += len(readings) - len(known)
        places[path] = [place for place, _, _ in known]
        if known:
            admitted.columns[path] = series_of(column.unit, [one[1:] for one in known])


def _singles(sent: Mapping[str, Column], places: Mapping[str, list[int]]) -> Singles:
    """Admitted halves of positions whose other half was not, at times that stand several times.

    The halves at one time belong together in the order in which they were sent.
    """
    if not any(_has_doubles(sent[path].dt) for path in PAIR if path in sent):
        return {}
    at: dict[str, dict[int, list[int]]] = {path: {} for path in PAIR}
    for path in PAIR:
        for place, delta in enumerate(sent[path].dt if path in sent else ()):
            at[path].setdefault(delta, []).append(place)
    found: dict[str, set[tuple[int, int]]] = {path: set() for path in PAIR}
    for path, other in (PAIR, PAIR[::-1]):
        admitted, others = set(places.get(path, ())), set(places.get(other, ()))
        for delta, mine in at[path].items():
            theirs = at[other].get(delta, [])
            if max(len(mine), len(theirs)) == 1:
                continue
            whole = [place in others for place in theirs]
            paired = whole if len(mine) == len(theirs) else [False] * len(mine)
            left = [pair for place, pair in zip(mine, paired, strict=True) if place in admitted]
            found[path].update((delta, n) for n, pair in enumerate(left) if not pair)
    return {path: ones for path, ones in found.items() if ones}


def _has_doubles(times: Sequence[int]) -> bool:
    return len(set(times)) < len(times)


def _known(catalogue: Mapping[str, Signal], path: str) -> Signal | None:
    signal = catalogue.get(path)
    return None if signal is None or signal.derived or path == TROUBLE_CODES else signal


def _typed(signal: Signal, values: list[Any], rejected: Counter[Rejected]) -> list[tuple[int, Any]]:
    """The values that are some, with their places in the column."""
    typed = _typing_of(signal)
    kept = []
    for place, value in enumerate(values):
        found = typed(value)
        if isinstance(found, Rejected):
            rejected[found] += 1
        else:
            kept.append((place, found))
    return kept


def _typing_of(signal: Signal) -> Callable[[Any], Any]:
    """The function from a value to that value of the signal's own type, or why it is none."""
    if signal.datatype == "boolean":
        return lambda value: value if isinstance(value, bool) else Rejected.WRONG_TYPE
    if signal.datatype == "string":
        return partial(_word, signal.allowed)
    low, high = signal.min, signal.max
    if low is None or high is None:
        msg = "a number has a range in the catalogue"
        raise AssertionError(msg)
    if signal.is_integer:
        return partial(_whole_number, int(low), int(high))
    return partial(_number, low, high)


def _word(allowed: Container[str], value: Any) -> Any:
    if not isinstance(value, str):
        return Rejected.WRONG_TYPE
    return value if value in allowed else Rejected.OUT_OF_RANGE


def _whole_number(low: int, high: int, value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return Rejected.WRONG_TYPE
    return value if low <= value <= high else Rejected.OUT_OF_RANGE


def _number(low: float, high: float, value: Any) -> Any:
    if not isinstance(value, float):
        if not isinstance(value, int) or isinstance(value, bool):
            return Rejected.WRONG_TYPE
        try:
            value = float(value)
        except OverflowError:
            # An integer of JSON may be too long for a float: its range is judged, not its type.
            return Rejected.OUT_OF_RANGE
    return value if low <= value <= high else Rejected.OUT_OF_RANGE
