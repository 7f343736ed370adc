"""What of a topic-partition's batch is new, readable and still alive. Pure.

The questions have one fixed order: was the record's offset durable before, is it unreadable or
none that its policy lets the output hold, has it expired, was its id kept before. The first yes
decides.

Usual records may be read and held against the policy elsewhere (``Usual``), faster; whatever is
unusual there is read here.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sinks.port.allowed import Judge
from sinks.port.duplicates import Seen, Window, digest_of
from sinks.port.records import RecordReadings, read_record
from sinks.port.results import Unreadable, Written
from telemetry.arrived import Arrived
from telemetry.wire.record import CE_ID

Stamp = tuple[bytes, int, int]
"""The digest of a record's id, when its life ends, and its weight in the ledger."""


class Usual(Protocol):
    """Reads usual records, and has those that are kept; what it lets pass, the exact path would."""

    def stamps(self, records: Sequence[Arrived], now_ms: int) -> Sequence[Stamp | None]:
        """Of each record that may be kept; None: the exact path decides on it."""
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


def by_partition(records: Iterable[Arrived]) -> dict[tuple[str, int], list[Arrived]]:
    """The records of each topic-partition in offset order."""
    groups: dict[tuple[str, int], list[Arrived]] = {}
    for record in records:
        groups.setdefault((record.topic, record.partition), []).append(record)
    for group in groups.values():
        group.sort(key=lambda record: record.offset)
    return groups


def admit_record(
    records: Sequence[Arrived],
    output: str,
    position: int | None,
    window: Window,
    now_ms: int,
    judge: Judge | None = None,
    stored: Collection[str] = (),
    usual: Usual | None = None,
) -> AdmittedRecord:
    """Sort one topic-partition's records; the window is read, not changed.

    ``judge`` holds them against the policy; without it they are only read. ``stored`` are ids
    of records that have rows already, beside those of the window. ``usual`` judges as ``judge``.
    """
    new = [one for one in records if position is None or one.offset >= position]
    # Who knows digests alone cannot look for ids.
    stamps = usual.stamps(new, now_ms) if usual is not None and not stored else None
    result = AdmittedRecord()
    fresh: set[bytes] = set()
    of_usual: list[int] = []
    rejected: dict[Unreadable, int] = {}
    duplicates = expired = expired_readings = 0
    for place, record in enumerate(new):
        found: RecordReadings | None = None
        stamp = None if stamps is None else stamps[place]
        if stamp is None:
            judged = _judged(record, output, now_ms, judge)
            if isinstance(judged, Unreadable):
                rejected[judged] = rejected.get(judged, 0) + 1
                continue
            found = judged
            stamp = digest_of(found.record), found.expires_ms, found.readings
        digest, expires_ms, readings = stamp
        if expires_ms <= now_ms:
            expired += 1
            expired_readings += readings
            continue
        if digest in window or digest in fresh or (found and found.record in stored):
            duplicates += 1
            continue
        fresh.add(digest)
        result.seen.append(Seen(digest, expires_ms))
        if found is None:
            of_usual.append(place)
        else:
            result.kept.append(found)
    rows, readings = (0, 0) if usual is None or not of_usual else usual.keep(of_usual)
    rows += sum(record.rows for record in result.kept)
    readings += sum(record.readings for record in result.kept)
    if new:
        result.first, result.last = new[0].offset, new[-1].offset
    result.written = Written(
        records=len(result.seen),
        rows=rows,
        readings=readings,
        replayed=len(records) - len(new),
        duplicates=duplicates,
        expired_on_arrival=expired,
        expired_readings=expired_readings,
        rejected=rejected,
        by_output={output: (rows, duplicates)},
    )
    return result


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
