"""The lines of the OBD reader process as readings: commands to paths, units to units.

In: NDJSON lines (from another process, so not trusted) and the catalogue. Out: readings
in the catalogue's unit, trouble codes, or a counted reason. No line is ever printed.
"""

import re
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Annotated, Final, NamedTuple, assert_never

import msgspec
from msgspec import Meta, Struct

from ingest.batching import Reading
from ingest.range import within
from telemetry.signals import Catalogue, Signal
from telemetry.wire.envelope import TROUBLE_CODE, TROUBLE_CODES_MAX

LINE_BYTES_MAX: Final = 8 * 1024

UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "": ("", 1.0),
    "count": ("", 1.0),
    "degree": ("degrees", 1.0),
    "degree_Celsius": ("celsius", 1.0),
    "gps": ("g/s", 1.0),
    "kilometer": ("km", 1.0),
    "kilometer_per_hour": ("km/h", 1.0),
    "kilopascal": ("kPa", 1.0),
    "lph": ("l/h", 1.0),
    "milliampere": ("A", 0.001),
    "minute": ("min", 1.0),
    "pascal": ("Pa", 1.0),
    "percent": ("percent", 1.0),
    "ratio": ("ratio", 1.0),
    "revolutions_per_minute": ("rpm", 1.0),
    "second": ("s", 1.0),
    "volt": ("V", 1.0),
}
"""How python-OBD names a unit: ours, and the factor. A table, since its own conversions
turn revolutions into radians."""


class Dropped(StrEnum):
    """Why a line gave no reading."""

    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"
    """The car does not know the command."""
    UNANSWERED = "unanswered"
    """The car refused it, or what came was no whole answer to it."""
    NOT_ASKED = "not_asked"
    WRONG_UNIT = "wrong_unit"
    OUT_OF_RANGE = "out_of_range"


class _Ready(Struct, tag="ready", tag_field="kind", forbid_unknown_fields=True):
    pass


class _Value(Struct, tag="value", tag_field="kind", forbid_unknown_fields=True):
    command: Annotated[str, Meta(max_length=64)]
    t_ms: Annotated[int, Meta(ge=0, le=2**47)]
    value: float | bool
    unit: Annotated[str, Meta(max_length=64)]


class _Unsupported(Struct, tag="unsupported", tag_field="kind", forbid_unknown_fields=True):
    command: str


class _Unanswered(Struct, tag="unanswered", tag_field="kind", forbid_unknown_fields=True):
    command: str


class _Codes(Struct, tag="codes", tag_field="kind", forbid_unknown_fields=True):
    codes: Annotated[list[str], Meta(max_length=TROUBLE_CODES_MAX)]
    t_ms: Annotated[int, Meta(ge=0, le=2**47)]


class _Lost(Struct, tag="lost", tag_field="kind", forbid_unknown_fields=True):
    pass


class _End(Struct, tag="end", tag_field="kind", forbid_unknown_fields=True):
    pass


_Line = _Ready | _Value | _Unsupported | _Unanswered | _Codes | _Lost | _End
_decoder: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)
_IS_CODE: Final = re.compile(TROUBLE_CODE)


class Codes(NamedTuple):
    """Trouble codes stored in the car at an instant."""

    t_ms: int
    codes: tuple[str, ...]


class Signpost(StrEnum):
    """Lines about the session itself."""

    READY = "ready"
    LOST = "lost"
    """The adapter or the car is gone."""
    END = "end"


def commands(catalogue: Catalogue, collected: AbstractSet[str]) -> dict[str, Signal]:
    """The commands to ask for: those whose path is collected, one path per command.

    If two paths have the same command, the one outside ``Vehicle.OBD`` is used.
    """
    found: dict[str, Signal] = {}
    for signal in sorted(catalogue, key=lambda s: s.path.startswith("Vehicle.OBD.")):
        if signal.obd is not None and signal.path in collected:
            found.setdefault(signal.obd, signal)
    return found


def read_line(
    line: bytes, asked: Mapping[str, Signal], dropped: Counter[Dropped]
) -> Reading | Codes | Signpost | None:
    """The content of one line; None, and a count, if it is no reading."""
    try:
        message = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        dropped[Dropped.MALFORMED] += 1
        return None
    answer: Reading | Dropped | Codes | Signpost
    match message:
        case _Value():
            answer = _reading(message, asked.get(message.command))
        case _Codes():
            answer = _codes(message, dropped)
        case _Unsupported():
            answer = Dropped.UNSUPPORTED
        case _Unanswered():
            answer = Dropped.UNANSWERED
        case _Ready():
            answer = Signpost.READY
        case _Lost():
            answer = Signpost.LOST
        case _End():
            answer = Signpost.END
        case _:
            assert_never(message)
    if isinstance(answer, Dropped):
        dropped[answer] += 1
        return None
    return answer


def _codes(message: _Codes, dropped: Counter[Dropped]) -> Codes:
    """The codes that are some; each other one is counted alone."""
    good = tuple(code for code in message.codes if _IS_CODE.fullmatch(code))
    if len(good) < len(message.codes):
        dropped[Dropped.MALFORMED] += len(message.codes) - len(good)
    return Codes(message.t_ms, good)


def _reading(message: _Value, signal: Signal | None) -> Reading | Dropped:
    if signal is None:
        return Dropped.NOT_ASKED
    unit, factor = UNITS.get(message.unit, (None, 1.0))
    boolean = isinstance(message.value, bool)
    if unit != signal.unit or boolean is not (signal.datatype == "boolean"):
        return Dropped.WRONG_UNIT
    if boolean:
        return Reading(message.t_ms, signal.path, signal.unit, message.value)
    inside = within(message.value * factor, signal.min, signal.max)
    if inside is None or not signal.is_number:
        return Dropped.OUT_OF_RANGE
    value = round(inside) if signal.is_integer else round(inside, 6)
    return Reading(message.t_ms, signal.path, signal.unit, value)
