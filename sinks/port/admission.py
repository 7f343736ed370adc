"""What of a topic-partition's batch is new, readable and still alive. Pure.

The questions have one fixed order: was the record's offset durable before, is it unreadable or
none that its policy lets the output hold, has it expired, was its id kept before. The first yes
decides.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sinks.port.allowed import Judge
from sinks.port.duplicates import Seen, Window, digest_of
from sinks.port.records import RecordReadings, read_record
from sinks.port.results import Unreadable, Written
from telemetry.arrived import Arrived
from telemetry.wire.record import CE_ID


@dataclass(slots=True)
class AdmittedRecord:
    """The records to keep, the ids to remember, and the count of everything."""

    first: int | None = None
    last: int | None = None
    """First and last offset at or above the position; None if all was replayed."""
    kept: list[RecordReadings] = field(default_factory=list)
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
) -> AdmittedRecord:
    """Sort one topic-partition's records; the window is read, not changed.

    ``judge`` holds them against the policy; without it they are only read. ``stored`` are ids
    of records that have rows already, beside those of the window.
    """
    result = AdmittedRecord()
    fresh: set[bytes] = set()
    rejected: dict[Unreadable, int] = {}
    replayed = duplicates = expired = expired_readings = 0
    for record in records:
        if position is not None and record.offset < position:
            replayed += 1
            continue
        result.first = record.offset if result.first is None else result.first
        result.last = record.offset
        found = read_record(record, output)
        if judge is not None and not isinstance(found, Unreadable):
            judged = judge.judged(found, output, max(now_ms, record.timestamp_ms))
            found = judged.reason or found._replace(lane=judged.lane)
        if isinstance(found, Unreadable):
            rejected[found] = rejected.get(found, 0) + 1
            continue
        if found.expires_ms <= now_ms:
            expired += 1
            expired_readings += found.readings
            continue
        digest = digest_of(found.record)
        if digest in window or digest in fresh or found.record in stored:
            duplicates += 1
            continue
        fresh.add(digest)
        result.seen.append(Seen(digest, found.expires_ms))
        result.kept.append(found)
    rows = sum(record.rows for record in result.kept)
    result.written = Written(
        records=len(result.kept),
        rows=rows,
        readings=sum(record.readings for record in result.kept),
        replayed=replayed,
        duplicates=duplicates,
        expired_on_arrival=expired,
        expired_readings=expired_readings,
        rejected=rejected,
        by_output={output: (rows, duplicates)},
    )
    return result


def ids_of(records: Iterable[Arrived]) -> list[str]:
    """The ids that these records give themselves; unreadable ones are left out."""
    found = (value for record in records for name, value in record.headers if name == CE_ID)
    return [value.decode(errors="replace") for value in found]
