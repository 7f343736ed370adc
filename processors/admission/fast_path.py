"""One strict decoder per plan: every column an output keeps, typed and range-checked in C.

It accepts only the usual: collected signals in their unit, values in range, times within ten
minutes after t0, no raw frames; other columns it passes over, and ``readings`` looks at them.
Whatever else arrives raises msgspec.MsgspecError or UnicodeDecodeError, and the exact path
(``admit``) finds out why.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from telemetry.signals import Signal
from telemetry.wire.envelope import (
    READINGS_PER_COLUMN_MAX,
    TROUBLE_CODES_MAX,
    Clock,
    Instant,
    Opaque,
    Trip,
    TroubleCode,
)
from telemetry.wire.record import TROUBLE_CODES

USUAL_SPAN_MS: Final = 600_000
"""Readings up to ten minutes after t0 take the fast path."""

UsualDelta = Annotated[int, Meta(ge=0, le=USUAL_SPAN_MS)]

decode_times = msgspec.json.Decoder(
    Annotated[list[UsualDelta], Meta(max_length=READINGS_PER_COLUMN_MAX)]
).decode
"""The usual times of a column; raises what the plan's decoder raises."""


class HotEnvelope(Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The fields of an envelope, ``series`` being a struct of the plan's own columns."""

    v: Literal[1]
    id: Annotated[str, Meta(min_length=16, max_length=64)]
    device: Opaque
    clock: Clock
    boot: Annotated[str, Meta(max_length=64)] = ""
    seq: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    resend: bool = False
    sent_at: Instant | UnsetType = UNSET
    trip: Trip | UnsetType = UNSET
    seat: Literal["driver", "passenger", "unknown"] = "unknown"
    frames: Annotated[list[Any], Meta(max_length=0)] = []
    dtc: Annotated[list[TroubleCode], Meta(max_length=TROUBLE_CODES_MAX)] = []


def known(catalogue: Mapping[str, Signal], path: str) -> Signal | None:
    """The signal of a path if it may be a column of an envelope."""
    signal = catalogue.get(path)
    return None if signal is None or signal.derived or path == TROUBLE_CODES else signal


def value_type(signal: Signal) -> Any:
    """The type of one value of a signal, with its catalogue range."""
    if signal.datatype == "boolean":
        return bool
    if signal.datatype == "string":
        return Literal[signal.allowed]
    low, high = signal.min, signal.max
    if signal.is_integer:
        return Annotated[int, Meta(ge=_whole(low), le=_whole(high))]
    return Annotated[float, Meta(ge=low, le=high)]


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def column_type(signal: Signal) -> type[Struct]:
    """A column of one signal: its one unit, typed values, and times still to be decoded.

    Columns mostly share their times: ``decode_times`` then runs once for all of them.
    """
    one: Any = value_type(signal)
    values: Any = Annotated[list[one], Meta(max_length=READINGS_PER_COLUMN_MAX)]
    return msgspec.defstruct(
        "Column",
        [("unit", Literal[signal.unit]), ("dt", msgspec.Raw), ("value", values)],
        forbid_unknown_fields=True,
        gc=False,
    )


def hot_decoder(signals: Sequence[Signal]) -> "msgspec.json.Decoder[Any]":
    """The decoder for these signals; ``series`` has one field per signal, in this order.

    It says nothing about columns of other signals.
    """
    fields = [
        (f"c{index}", column_type(signal) | UnsetType, UNSET)
        for index, signal in enumerate(signals)
    ]
    names = {f"c{index}": signal.path for index, signal in enumerate(signals)}
    series = msgspec.defstruct("Columns", fields, rename=names.get, gc=False)
    envelope = msgspec.defstruct(
        "PlanEnvelope",
        [("series", series, msgspec.field(default_factory=series))],
        bases=(HotEnvelope,),
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.json.Decoder(envelope)
