"""The sink port in memory: whole, for tests and for trying things out. Nothing is durable.

Its ``MemoryStore`` outlives a ``MemorySink``: a second sink on the same store is a
restart. Counts, reasons and receipts are those of the lake.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from sinks.port.admission import admit_record, by_partition
from sinks.port.allowed import Judge
from sinks.port.duplicates import Window
from sinks.port.records import RecordReadings
from sinks.port.refusals import Refusals
from sinks.port.results import (
    Hits,
    Located,
    Overdue,
    Place,
    Receipt,
    Restated,
    Strange,
    Swept,
    Written,
)
from sinks.port.selection import FoundRow, Selection
from sinks.port.sink import Ends, OtherTopicError
from telemetry.arrived import Arrived
from telemetry.kept import End, Kept
from telemetry.wire.erasure import EraseCommand


class StoredRow(NamedTuple):
    """One kept reading, in the order of the lake's columns. Its repr is never to be printed."""

    record: str
    pseudonym: str
    signal: str
    t_ms: int
    number: float | None
    text: str | None
    unit: str
    expires_ms: int
    policy_version: str
    lane: str | None = None
    consent: str | None = None
    decided_by: int = 0
    """See ``Kept``."""


@dataclass(slots=True)
class MemoryStore:
    """The contents of a disk: rows by output, positions and duplicate windows."""

    window: int = 50_000
    rows: dict[str, list[StoredRow]] = field(default_factory=dict)
    positions: dict[tuple[str, int], int] = field(default_factory=dict)
    windows: dict[tuple[str, int], Window] = field(default_factory=dict)
    topic_ids: dict[tuple[str, int], str] = field(default_factory=dict)
    stored_before: dict[tuple[str, int], int] = field(default_factory=dict)
    """By partition: below this offset, what has rows already is dropped by its id."""
    name: str = field(default_factory=lambda: f"memory:{secrets.token_hex(8)}")
    is_copy: bool = False

    def copied(self) -> "MemoryStore":
        """All of it anew, which says that it is a copy."""
        return replace(deepcopy(self), is_copy=True)


class MemorySink:
    """``Sink`` and ``Store`` over a ``MemoryStore``; ``outputs`` maps topics to output ids.

    ``judge`` holds each record against the policy; without it none is.
    """

    def __init__(
        self, store: MemoryStore, outputs: Mapping[str, str], judge: Judge | None = None
    ) -> None:
        self._store = store
        self._outputs = dict(outputs)
        self._judge = judge
        self._refusals = Refusals()
        self._turn = Lock()
        self._bound: dict[str, str] = {}

    def position(self, topic: str, partition: int) -> int | None:
        """See ``Sink``; of a copy, 0 before the first: its group has read what came after it."""
        return self._store.positions.get((topic, partition), 0 if self._store.is_copy else None)

    def places(self) -> Mapping[tuple[str, int], Place]:
        """See ``Sink``."""
        ids = self._store.topic_ids
        return {at: Place(next_, ids.get(at)) for at, next_ in self._store.positions.items()}

    def bind(self, topic: str, topic_id: str) -> None:
        """See ``Sink``."""
        mine = [place for place in self._store.positions if place[0] == topic]
        if any(self._store.topic_ids.get(place, topic_id) != topic_id for place in mine):
            raise OtherTopicError(topic)
        self._bound[topic] = topic_id
        self._store.topic_ids |= dict.fromkeys(mine, topic_id)

    def adopt(self, topic: str, topic_id: str, ends: Mapping[int, int]) -> None:
        """See ``Sink``."""
        self._bound[topic] = topic_id
        for place in {*((topic, number) for number in ends), *self._store.positions}:
            if place[0] == topic:
                self._store.positions[place] = 0
                self._store.topic_ids[place] = topic_id
                self._store.stored_before[place] = ends.get(place[1], 0)

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """See ``Sink``; in one step, so that no failure leaves half a batch."""
        with self._turn:
            return self._written(records, now_ms)

    def _written(self, records: Sequence[Arrived], now_ms: int) -> Written:
        total = Written()
        for (topic, partition), group in by_partition(records).items():
            output, place = self._outputs[topic], (topic, partition)
            window = self._store.windows.setdefault(place, Window(self._store.window))
            position = self._store.positions.get(place)
            stored = set[str]()
            if group[0].offset < self._store.stored_before.get(place, 0):
                stored = {row.record for row in self._store.rows.get(output, [])}
            refused = self._refusals.of(output)
            admitted = admit_record(
                group, output, position, window, now_ms, self._judge, stored, refusals=refused
            )
            total = total.plus(admitted.written)
            if admitted.last is not None:
                kept = self._store.rows.setdefault(output, [])
                kept.extend(row for record in admitted.kept for row in _rows(record))
                window.remember(admitted.seen)
                self._move(topic, partition, admitted.last + 1)
        return total

    def refuse(self, commands: Sequence[EraseCommand]) -> None:
        """See ``Sink``."""
        with self._turn:
            self._refusals = Refusals(commands)

    def pass_over(self, topic: str, partition: int, offset: int, now_ms: int) -> None:
        """See ``Sink``."""
        del now_ms
        position = self.position(topic, partition) or 0
        self._move(topic, partition, max(position, offset + 1))

    def _move(self, topic: str, partition: int, position: int) -> None:
        self._store.positions[topic, partition] = position
        if topic in self._bound:
            self._store.topic_ids[topic, partition] = self._bound[topic]

    def forget(self, now_ms: int) -> None:
        """See ``Sink``."""
        for window in self._store.windows.values():
            window.forget(now_ms)

    def join(self, now_ms: int) -> int:
        """See ``Sink``; it has no pieces."""
        del now_ms
        return 0

    def close(self) -> None:
        """See ``Sink``; what is in memory stays as long as its ``MemoryStore``."""

    def exists(self) -> bool:
        """See ``Store``."""
        return True

    def outputs(self) -> list[str]:
        """See ``Store``."""
        return sorted(output for output, rows in self._store.rows.items() if rows)

    def written_ms(self) -> int | None:
        """See ``Store``; memory has no file times."""
        return None

    def overdue(self, now_ms: int) -> list[Overdue]:
        """See ``Store``; an output's rows of one end count as one file."""
        found = {
            Overdue(output, row.expires_ms, 1)
            for output, rows in self._store.rows.items()
            for row in rows
            if row.expires_ms <= now_ms
        }
        return sorted(found)

    def expire(self, now_ms: int) -> Swept:
        """See ``Store``; it has no files to count."""
        gone = self._remove(lambda _, row: row.expires_ms <= now_ms)
        return Swept(0, sum(gone.values()), gone)

    def restate(self, ends: Ends, now_ms: int) -> Restated:
        """See ``Store``; every row is judged by itself."""
        moved, removed = Counter[str](), Counter[str]()
        unjudged = 0
        for output, rows in self._store.rows.items():
            kept: list[StoredRow] = []
            for row in rows:
                judged = ends.end_of(
                    Kept(
                        output,
                        row.policy_version,
                        row.signal,
                        row.expires_ms,
                        row.decided_by,
                        row.t_ms,
                    )
                )
                unjudged += judged is None
                end_ms, decided_by = judged or End(row.expires_ms, row.decided_by)
                if row.expires_ms <= now_ms or end_ms == row.expires_ms:
                    kept.append(row)
                elif end_ms > now_ms:
                    kept.append(row._replace(expires_ms=end_ms, decided_by=decided_by))
                    moved[output] += 1
                else:
                    removed[output] += 1
            self._store.rows[output] = kept
        return Restated(0, moved, removed, unjudged)

    def name(self) -> str:
        """See ``Store``."""
        return self._store.name

    def erase(self, output: str, selection: Selection, now_ms: int) -> Receipt:
        """See ``Store``."""
        gone = self._remove(lambda of, row: of == output and _is_meant(row, selection))
        lines = sorted(f"{of} {rows}\n" for of, rows in gone.items())
        digest = sha256("".join(lines).encode()).hexdigest()
        left = self.locate(output, selection).rows
        return Receipt("memory", sum(gone.values()), left, digest, now_ms)

    def locate(self, output: str, selection: Selection) -> Located:
        """See ``Store``."""
        return Located(len(self._meant(output, selection)), 0)

    def rows_of(self, output: str, selection: Selection, now_ms: int) -> Iterator[FoundRow]:
        """See ``Store``."""
        live = [row for row in self._meant(output, selection) if row.expires_ms > now_ms]
        for row in sorted(live, key=lambda row: (row.t_ms, row.record, row.signal)):
            yield FoundRow(
                row.record, row.signal, row.t_ms, row.number, row.text, row.unit, row.expires_ms,
                row.policy_version, row.lane, row.consent, row.pseudonym,
            )  # fmt: skip

    def _meant(self, output: str, selection: Selection) -> list[StoredRow]:
        return [row for row in self._store.rows.get(output, ()) if _is_meant(row, selection)]

    def verify(self, marker: bytes) -> Hits:
        """See ``Store``; every output's rows count as one file."""
        hits = sum(marker in repr(rows).encode() for rows in self._store.rows.values())
        return Hits(len(self._store.rows), hits, 0)

    def oldest_ms(self) -> Mapping[str, int]:
        """See ``Store``."""
        kept = self._store.rows.items()
        return {output: min(row.t_ms for row in rows) for output, rows in kept if rows}

    def strange(self) -> list[Strange]:
        """See ``Store``; nobody else reaches it."""
        return []

    def _remove(self, unwanted: Callable[[str, StoredRow], bool]) -> dict[str, int]:
        gone: dict[str, int] = {}
        for output, rows in self._store.rows.items():
            kept = [row for row in rows if not unwanted(output, row)]
            if len(kept) < len(rows):
                gone[output] = len(rows) - len(kept)
            self._store.rows[output] = kept
        return gone


def _is_meant(row: StoredRow, selection: Selection) -> bool:
    return selection.means(row.pseudonym, row.consent, row.lane, row.t_ms)


def _rows(record: RecordReadings) -> list[StoredRow]:
    rows = []
    for signal, unit, t_ms, numbers, texts in record.runs:
        for index, at_ms in enumerate(t_ms):
            number = None if numbers is None else numbers[index]
            text = None if texts is None else texts[index]
            rows.append(
                StoredRow(
                    record.record,
                    record.pseudonym,
                    signal,
                    at_ms,
                    number,
                    text,
                    unit,
                    record.expires_ms,
                    record.policy_version,
                    record.lane,
                    record.consent,
                )
            )
    return rows
