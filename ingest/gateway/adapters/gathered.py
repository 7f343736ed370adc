"""Readings of one message in a foreign format, gathered into envelopes.

In: names as the format has them, what they stand for, values, instants. Out: envelopes, and counts
of what was left out. Only what a table names gets in: an identifier in a message has no way. Whose
the readings are the certificate says, never the message.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from ingest.envelope_id import envelope_id
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.instants import to_datetime
from telemetry.signals import Catalogue, Signal
from telemetry.wire.envelope import (
    COLUMNS_MAX,
    DT_MS_MAX,
    READINGS_MAX,
    READINGS_PER_COLUMN_MAX,
    TROUBLE_CODES_MAX,
    Clock,
    Column,
    Envelope,
    Quality,
)

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
NUMBER_CHARS_MAX: Final = 32
NUMBER_MAX: Final = 1e15
INSTANT_MS_MAX: Final = 4_102_444_800_000
"""The year 2100: later instants are no clock's."""
LATITUDE: Final = "Vehicle.CurrentLocation.Latitude"
LONGITUDE: Final = "Vehicle.CurrentLocation.Longitude"


class LeftOut(StrEnum):
    """Why something of a message is in no envelope. Closed."""

    UNMAPPED = "unmapped"
    """The format's table does not name it: identifiers are among these."""
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    """Not of the signal's type."""
    NO_FIX = "no_fix"
    NOT_NEW = "not_new"
    """The last known value, sent once more."""
    FRAMES = "frames"
    """Raw CAN frames: no purpose takes them undecoded."""


class Target(NamedTuple):
    """A signal: its value is the format's times ``factor`` plus ``offset``."""

    path: str
    factor: float = 1.0
    offset: float = 0.0


class Adapted(NamedTuple):
    """What became of one message."""

    envelopes: Sequence[Envelope]
    left_out: Mapping[LeftOut, int]


class _Reading(NamedTuple):
    at_ms: int
    path: str
    value: Any


@dataclass(slots=True)
class Gathered:
    """The readings of one message. ``names`` is the format's table."""

    format: str
    source: str
    """Which of the policy's scope the format is."""
    payload: bytes = field(repr=False)
    context: AdapterContext
    catalogue: Catalogue
    names: Mapping[str, Target]
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    _rows: dict[Quality, list[_Reading]] = field(default_factory=lambda: defaultdict(list))
    _codes: list[str] = field(default_factory=list, repr=False)
    _codes_at_ms: int | None = None

    def add(self, name: str, value: Any, at_ms: int | None, quality: Quality) -> None:
        """One reading. Without an instant it is of the reception, by a clock that knew nothing."""
        target = self.names.get(name)
        if target is None:
            self.left_out[LeftOut.UNMAPPED] += 1
            return
        self.add_to(target, value, at_ms, quality)

    def add_to(self, target: Target, value: Any, at_ms: int | None, quality: Quality) -> None:
        """One reading of a known signal."""
        signal = self.catalogue.by_path.get(target.path)
        if signal is None or signal.derived:
            self.left_out[LeftOut.UNMAPPED] += 1
            return
        fitting = converted(value, target, signal)
        if fitting is None:
            self.left_out[LeftOut.BAD_VALUE] += 1
            return
        if at_ms is not None and not 0 <= at_ms <= INSTANT_MS_MAX:
            self.left_out[LeftOut.BAD_TIME] += 1
            return
        if at_ms is None:
            at_ms, quality = self.context.received_ms, "none"
        self._rows[quality].append(_Reading(at_ms, target.path, fitting))

    def add_position(
        self, latitude: Any, longitude: Any, at_ms: int | None, quality: Quality
    ) -> None:
        """Both halves of a fix, at one instant. Exactly 0 and 0: the receiver had none."""
        if not (is_number(latitude) and is_number(longitude)) or latitude == longitude == 0:
            self.left_out[LeftOut.NO_FIX] += 1
            return
        self.add_to(Target(LATITUDE), latitude, at_ms, quality)
        self.add_to(Target(LONGITUDE), longitude, at_ms, quality)

    def add_codes(self, codes: Sequence[str], at_ms: int | None) -> None:
        """Diagnostic trouble codes, all of one instant. Without one they are of the reception."""
        if at_ms is not None and not 0 <= at_ms <= INSTANT_MS_MAX:
            self.left_out[LeftOut.BAD_TIME] += len(codes)
            return
        self._codes += codes
        self._codes_at_ms = at_ms

    def adapted(self) -> Adapted | Refusal:
        """The envelopes; OVERSIZED if there are more readings than an envelope may have."""
        if (
            sum(map(len, self._rows.values())) > READINGS_MAX
            or len(self._codes) > TROUBLE_CODES_MAX
        ):
            return Refusal.OVERSIZED
        made = [
            self._envelope(quality, part, number)
            for quality, rows in sorted(self._rows.items())
            for number, part in enumerate(_parts(sorted(rows, key=lambda one: one.at_ms)))
        ]
        if self._codes:
            of_codes: Quality = "none" if self._codes_at_ms is None else "rtc"
            made.append(self._envelope(of_codes, [], len(made)))
            made[-1] = msgspec.structs.replace(made[-1], dtc=self._codes)
        return Adapted(made, dict(self.left_out))

    def _envelope(self, quality: Quality, rows: Sequence[_Reading], number: int) -> Envelope:
        codes_ms = self._codes_at_ms
        of_codes_ms = self.context.received_ms if codes_ms is None else codes_ms
        t0_ms = rows[0].at_ms if rows else of_codes_ms
        series: dict[str, Column] = {}
        for row in rows:
            unit = self.catalogue[row.path].unit
            column = series.setdefault(row.path, Column(unit, [], []))
            column.dt.append(row.at_ms - t0_ms)
            column.value.append(row.value)
        # What the device sends again is the same envelope, whenever that arrives: but without a
        # time of its own nobody can tell that from a new report that says the same.
        digest = hashlib.blake2b(self.payload, digest_size=16).hexdigest()
        arrival = self.context.received_ms if quality == "none" else 0
        source = (self.format, self.context.device, digest, quality, number, arrival)
        return Envelope(
            v=1,
            source=self.source,
            id=envelope_id(0, *source),
            device=str(self.context.device),
            clock=Clock(to_datetime(t0_ms), quality),
            series=series,
        )


def _parts(rows: Sequence[_Reading]) -> list[list[_Reading]]:
    """Stretches that fit an envelope each."""
    parts: list[list[_Reading]] = []
    counts = Counter[str]()
    for row in rows:
        counts[row.path] += 1
        full = counts[row.path] > READINGS_PER_COLUMN_MAX or len(counts) > COLUMNS_MAX
        if not parts or full or row.at_ms - parts[-1][0].at_ms > DT_MS_MAX:
            parts.append([])
            counts = Counter({row.path: 1})
        parts[-1].append(row)
    return parts


def is_number(value: Any) -> bool:
    """A number that no conversion takes out of a float's range; ``True`` is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= NUMBER_MAX  # not of NaN


def converted(value: Any, target: Target, signal: Signal) -> Any | None:
    """The value in the catalogue's unit and type; None if it is not of that type."""
    if signal.datatype == "boolean":
        return value if isinstance(value, bool) else None
    if signal.datatype == "string":
        return value if isinstance(value, str) and value in signal.allowed else None
    if not is_number(value):
        return None
    number = value * target.factor + target.offset
    return round(number) if signal.is_integer else float(number)


def number_of(text: Any) -> Any:
    """What a text says as a number or a truth; anything else as it is."""
    if not isinstance(text, str) or len(text) > NUMBER_CHARS_MAX or "_" in text:
        return text
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def members_of(payload: bytes) -> dict[str, Any] | None:
    """A message that is one JSON object; None if it is not."""
    try:
        found = msgspec.json.decode(payload)
    except UNDECODABLE:
        return None
    return found if isinstance(found, dict) else None


def objects(value: Any) -> list[dict[str, Any]]:
    """An object, or the objects of a list."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]
