"""What of a topic-partition's batch is new, readable and still alive. Pure.

The questions have one fixed order: was the record's offset durable before, is it unreadable or
none that its policy lets the output hold, has it expired, was its id kept before. The first yes
decides. Of what is left, readings that a living command of erasure means are refused.

Usual records may be read and held against the policy elsewhere (``Usual``), faster; whatever is
unusual there is read here.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

from sinks.port.allowed import Judge
from sinks.port.duplicates import Seen, Window, digest_of
from sinks.port.records import RecordReadings, read_record
from sinks.port.refusals import OutputRefusals
from sinks.port.results import OfOutput, Unreadable, Written
from telemetry.arrived import Arrived
from telemetry.wire.record import CE_ID

_OFFSET: Final = attrgetter("offset")


class Stamps(NamedTuple):
    """What is known of each record that may be kept: a column each, as there are many."""

    digests: Sequence[bytes | None]
    """Of its id; None: the exact path decides on this record."""
    ends_ms: Sequence[int]
    """When its life ends."""
    readings: Sequence[int]
    """Its weight in the ledger."""


class Usual(Protocol):
    """Reads usual records, and has those that are kept; what it lets pass, the exact path would."""

    def stamps(self, records: Sequence[Arrived], now_ms: int) -> Stamps:
        """Of each record."""
        ...

    def keep(self, places: Sequence[int]) -> tuple[int, int]:
        """Keep those at these places of the last ``stamps``; how many rows and readings."""
        ...


@dataclass(slots=True)
class AdmittedRecord:
    """The records to keep, the ids to remember, and the count of everything."""

    first: int | None = None
    last: int | None = None
    """First and last offset at or above the position; None if all was replayed."""
    kept: list[RecordReadings] = field(default_factory=list)
    """But for those that ``Usual`` has."""
    seen: list[Seen] = field(default_factory=list)
    written: Written = field(default_factory=Written)


@dataclass(slots=True)
class _SortedOut:
    """What became of records that are new."""

    seen: list[Seen] = field(default_factory=list)
    of_usual: Sequence[int] = ()
    """Places of those to keep that ``Usual`` has; ``kept`` are the others."""
    kept: list[RecordReadings] = field(default_factory=list)
    duplicates: int = 0
    expired: int = 0
    expired_readings: int = 0
    rejected: dict[Unreadable, int] = field(default_factory=dict)
    refused: int = 0
    refused_rows: int = 0


def by_partition(records: Iterable[Arrived]) -> dict[tuple[str, int], list[Arrived]]:
    """The records of each topic-partition in offset order."""
    groups = defaultdict[tuple[str, int], list[Arrived]](list)
    for record in records:
        groups[record.topic, record.partition].append(record)
    for group in groups.values():
        group.sort(key=_OFFSET)
    return dict(groups)


def admit_record(
    records: Sequence[Arrived],
    output: str,
    position: int | None,
    window: Window,
    now_ms: int,
    judge: Judge | None = None,
    stored: Collection[str] = (),
    usual: Usual | None = None,
    refusals: OutputRefusals | None = None,
) -> AdmittedRecord:
    """Sort one topic-partition's records, in offset order; the window is read, not changed.

    ``judge`` holds them against the policy; without it they are only read. ``stored`` are ids
    of records that have rows already, beside those of the window. ``usual`` judges as ``judge``.
    ``refusals`` are of this output.
    """
    replayed = 0 if position is None else bisect_left(records, position, key=_OFFSET)
    new = records[replayed:] if replayed else records
    # Who knows digests alone cannot look for ids.
    stamps = usual.stamps(new, now_ms) if usual is not None and not stored else None
    named = [] if refusals is None else refusals.named(new)
    if stamps is not None and named:
        stamps = _without(stamps, named)
    found = None if stamps is None else _all_kept(stamps, window, now_ms)
    if found is None:
        judged = partial(_judged, output=output, now_ms=now_ms, judge=judge)
        refuse = refusals if named else None
        found = _one_by_one(new, stamps, judged, window, stored, now_ms, refuse)
    rows, readings = (0, 0) if usual is None or not found.of_usual else usual.keep(found.of_usual)
    rows += sum(record.rows for record in found.kept)
    readings += sum(record.readings for record in found.kept)
    first, last = (new[0].offset, new[-1].offset) if new else (None, None)
    written = Written(
        records=len(found.seen),
        rows=rows,
        readings=readings,
        replayed=replayed,
        duplicates=found.duplicates,
        expired_on_arrival=found.expired,
        expired_readings=found.expired_readings,
        rejected=found.rejected,
        by_output={output: OfOutput(rows, found.duplicates, found.refused_rows)},
        refused=found.refused,
        refused_rows=found.refused_rows,
    )
    return AdmittedRecord(first, last, found.kept, found.seen, written)


def _all_kept(stamps: Stamps, window: Window, now_ms: int) -> _SortedOut | None:
    """What becomes of records of which each is kept, as nearly always; None if one may not be."""
    digests = [digest for digest in stamps.digests if digest is not None]
    if (
        len(set(digests)) != len(stamps.digests)
        or min(stamps.ends_ms, default=now_ms + 1) <= now_ms
        or not window.has_none_of(digests)
    ):
        return None
    return _SortedOut(list(zip(digests, stamps.ends_ms, strict=True)), range(len(digests)))


def _without(stamps: Stamps, places: Sequence[int]) -> Stamps:
    """The same, but that the exact path decides on these."""
    digests = list(stamps.digests)
    for place in places:
        digests[place] = None
    return stamps._replace(digests=digests)


def _one_by_one(
    records: Sequence[Arrived],
    stamps: Stamps | None,
    judged: Callable[[Arrived], RecordReadings | Unreadable],
    window: Window,
    stored: Collection[str],
    now_ms: int,
    refusals: OutputRefusals | None,
) -> _SortedOut:
    result = _SortedOut()
    fresh: set[bytes] = set()
    of_usual: list[int] = []
    for place, record in enumerate(records):
        found: RecordReadings | None = None
        digest = None if stamps is None else stamps.digests[place]
        if stamps is None or digest is None:
            read = judged(record)
            if isinstance(read, Unreadable):
                result.rejected[read] = result.rejected.get(read, 0) + 1
                continue
            found = read
            digest, expires_ms, readings = digest_of(read.record), read.expires_ms, read.readings
        else:
            expires_ms, readings = stamps.ends_ms[place], stamps.readings[place]
        if expires_ms <= now_ms:
            result.expired += 1
            result.expired_readings += readings
            continue
        if digest in window or digest in fresh or (found and found.record in stored):
            result.duplicates += 1
            continue
        if found is not None and refusals is not None:
            found = _left_of(found, refusals, now_ms, result)
            if found is None:
                continue
        fresh.add(digest)
        result.seen.append((digest, expires_ms))
        if found is None:
            of_usual.append(place)
        else:
            result.kept.append(found)
    result.of_usual = of_usual
    return result


def _left_of(
    record: RecordReadings, refusals: OutputRefusals, now_ms: int, result: _SortedOut
) -> RecordReadings | None:
    """What of a record is kept, the rest counted; None if nothing is."""
    left = refusals.left_of(record, now_ms)
    refused_rows = record.rows - left.rows
    result.refused_rows += refused_rows
    if refused_rows and not left.runs:
        result.refused += 1
        return None
    return left


def _judged(
    record: Arrived, output: str, now_ms: int, judge: Judge | None
) -> RecordReadings | Unreadable:
    found = read_record(record, output)
    if judge is None or isinstance(found, Unreadable):
        return found
    # A time that a producer gave decides nothing.
    arrived_ms = max(now_ms, record.timestamp_ms) if record.broker_dated else now_ms
    judged = judge.judged(found, output, arrived_ms)
    return judged.reason or found._replace(lane=judged.lane)


def ids_of(records: Iterable[Arrived]) -> list[str]:
    """The ids that these records give themselves; unreadable ones are left out."""
    found = (value for record in records for name, value in record.headers if name == CE_ID)
    return [value.decode(errors="replace") for value in found]
