"""One purpose record in, its readings out, series by series. Pure.

A record that breaks the topic's contract comes out as a reason, never in part: half a
record would close no ledger. No exception of a decoder leaves (its text quotes payload).
"""

from functools import lru_cache
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec

from sinks.port.results import Unreadable
from telemetry.arrived import Arrived
from telemetry.instants import DAY_MS, MINUTE_MS, parse_instant
from telemetry.wire.envelope import DT_MS_MAX, READINGS_MAX
from telemetry.wire.record import (
    CE_ID,
    CONSENT,
    EXPIRES_AT,
    POLICY_VERSION,
    PURPOSE,
    READINGS,
    RECORD_BYTES_MAX,
    RECORD_VERSION,
    TROUBLE_CODES,
    PurposeRecord,
    decode_record,
)

HEADER_LENGTH_MAX: Final = 128
NEEDED: Final = (CE_ID, EXPIRES_AT, POLICY_VERSION, PURPOSE, READINGS)
NEEDED_NAMES: Final = frozenset(NEEDED)
# A floor may move a reading before its envelope's first instant, by a month at most.
DELTA_MS_MAX: Final = DT_MS_MAX + 31 * DAY_MS
_BYTES: Final = {bytes}
_FLOATS: Final = {float}
_TEXTS: Final = {str}
_NUMBERS: Final = {int, float, bool}
INSTANT_MS_MAX: Final = 253_402_300_799_999  # 9999-12-31, the last day a date can name


_known_instant = lru_cache(256)(parse_instant)
"""Many records end at one instant; only short texts are remembered."""
_PLAIN_INSTANT_MAX: Final = 32


class Run(NamedTuple):
    """One series of one record: either numbers or texts. Its repr is never to be printed."""

    signal: str
    unit: str
    t_ms: list[int]
    numbers: list[float] | None
    texts: list[str] | None


class RecordReadings(NamedTuple):
    """A readable record: what all its readings share, its weight in the ledger, its series."""

    record: str
    pseudonym: str
    expires_ms: int
    policy_version: str
    readings: int
    runs: list[Run]
    consent: str | None = None
    """The keyed reference of the consent it rests on; None if it rests on none."""
    appended_ms: int = 0
    """When its topic took it."""
    lane: str | None = None
    """The lane that lets it through; None if that was not asked, or more than one does."""

    @property
    def rows(self) -> int:
        """How many rows it makes: one per reading that it carries."""
        return sum(len(run.t_ms) for run in self.runs)


class _Stamp(NamedTuple):
    record: str
    expires_ms: int
    policy_version: str
    readings: int
    consent: str | None


class _BrokenContractError(Exception):
    def __init__(self, reason: Unreadable) -> None:
        super().__init__(reason)
        self.reason = reason


def read_record(arrived: Arrived, output: str) -> RecordReadings | Unreadable:
    """The readings of a record of this output, or why there are none."""
    try:
        stamp = _read_headers(arrived, output)
        record, t0_ms = _read_value(arrived)
        runs = [
            _run(signal, series.unit, t0_ms, series.dt, series.value)
            for signal, series in record.series.items()
            if series.dt or series.value
        ]
    except _BrokenContractError as broken:
        return broken.reason
    if record.dtc:
        runs.append(Run(TROUBLE_CODES, "", [t0_ms] * len(record.dtc), None, record.dtc))
    return RecordReadings(
        stamp.record,
        record.pseudonym,
        stamp.expires_ms,
        stamp.policy_version,
        stamp.readings,
        runs,
        stamp.consent,
        arrived.timestamp_ms,
    )


def _read_headers(arrived: Arrived, output: str) -> _Stamp:
    headers = dict(arrived.headers)
    _require(headers.keys() >= NEEDED_NAMES, Unreadable.MISSING_HEADER)
    # A name given twice is ambiguous; a name may also come with no value at all.
    whole = set(map(type, headers.values())) == _BYTES
    _require(whole and len(headers) == len(arrived.headers), Unreadable.BAD_HEADER)
    try:
        ce_id, expires, version, purpose, count = [headers[name].decode("ascii") for name in NEEDED]
        plain = len(expires) <= _PLAIN_INSTANT_MAX
        expires_ms, readings = (_known_instant if plain else parse_instant)(expires), int(count)
        consent = headers[CONSENT].decode("ascii") if CONSENT in headers else None
    except (ValueError, OverflowError):
        raise _BrokenContractError(Unreadable.BAD_HEADER) from None
    longest = max(len(ce_id), len(version), len(consent or ""))
    # No envelope has more readings: a number that no counter can hold must not end the process.
    bounded = len(ce_id) > 0 and longest <= HEADER_LENGTH_MAX and 0 <= readings <= READINGS_MAX
    # An expiry finer than the finest grain would date the reading more exactly than its floor.
    on_grain = expires_ms % MINUTE_MS == 0 and 0 <= expires_ms <= INSTANT_MS_MAX
    _require(bounded and on_grain, Unreadable.BAD_HEADER)
    same_purpose = purpose == output or output.startswith(purpose + ".")
    _require(same_purpose, Unreadable.WRONG_PURPOSE)
    return _Stamp(ce_id, expires_ms, version, readings, consent)


def _read_value(arrived: Arrived) -> tuple[PurposeRecord, int]:
    if arrived.value is None or arrived.key is None:
        raise _BrokenContractError(Unreadable.NO_PAYLOAD)
    _require(len(arrived.value) <= RECORD_BYTES_MAX, Unreadable.OVERSIZED)
    try:
        record = decode_record(arrived.value)
        t0_ms = parse_instant(record.t0)
    except (msgspec.DecodeError, ValueError, OverflowError):
        raise _BrokenContractError(Unreadable.MALFORMED) from None
    _require(record.v == RECORD_VERSION, Unreadable.MALFORMED)
    _require(DELTA_MS_MAX <= t0_ms <= INSTANT_MS_MAX - DELTA_MS_MAX, Unreadable.MALFORMED)
    _require(record.pseudonym.encode() == arrived.key, Unreadable.KEY_MISMATCH)
    return record, t0_ms


def _run(signal: str, unit: str, t0_ms: int, dt: list[int], value: list[Any]) -> Run:
    # Once per series, with ten values in it: a call for each claim would cost more than the claims.
    if len(dt) != len(value):
        raise _BrokenContractError(Unreadable.COLUMN_MISMATCH)
    if min(dt) < -DELTA_MS_MAX or max(dt) > DELTA_MS_MAX:
        raise _BrokenContractError(Unreadable.MALFORMED)
    t_ms = [t0_ms + delta_ms for delta_ms in dt]
    kinds = set(map(type, value))
    if kinds == _FLOATS:
        numbers: list[float] = value
    elif kinds == _TEXTS:
        return Run(signal, unit, t_ms, None, value)
    elif kinds <= _NUMBERS:
        try:
            numbers = list(map(float, value))  # true is 1, false is 0
        except OverflowError:
            raise _BrokenContractError(Unreadable.WRONG_TYPE) from None
    else:
        raise _BrokenContractError(Unreadable.WRONG_TYPE)
    # A finite sum has finite terms and costs a tenth of asking each; an infinite one may have, too.
    if not isfinite(sum(numbers)) and not all(map(isfinite, numbers)):
        raise _BrokenContractError(Unreadable.WRONG_TYPE)
    return Run(signal, unit, t_ms, numbers, None)


def _require(holds: bool, reason: Unreadable) -> None:  # noqa: FBT001  # the claim comes first
    if not holds:
        raise _BrokenContractError(reason)
