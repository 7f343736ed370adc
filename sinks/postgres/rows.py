"""Records to rows, and rows into PostgreSQL by binary COPY.

In: records that were admitted. Out: rows by output and expiry, and what they count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg import sql

from sinks.port.allowed import Judge, Judged
from sinks.port.records import RecordReadings
from sinks.port.results import Unreadable
from sinks.postgres.connection import Connection, named
from sinks.postgres.names import rows_table
from sinks.postgres.tables import COLUMNS
from telemetry.wire.record import MESH

_TYPES: Final = {"text": "text", "bigint": "int8", "double": "float8", "int": "int4"}
_WIRE: Final = [_TYPES[kind.split()[0]] for _, kind in COLUMNS]
_NAMES: Final = sql.SQL(", ").join(named(name) for name, _ in COLUMNS)
_NUL: Final = "\0"


@dataclass(slots=True)
class NewRows:
    """What one write brings to one partition."""

    records: list[RecordReadings] = field(default_factory=list)

    @property
    def oldest_ms(self) -> int:
        """The time of its oldest reading."""
        return min(min(run.t_ms) for record in self.records for run in record.runs)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Rows and readings by version of the policy."""
        rows, mesh = Counter[str](), Counter[str]()
        for record in self.records:
            rows[record.policy_version] += record.rows
            mesh[record.policy_version] += sum(
                len(run.t_ms) for run in record.runs if run.signal == MESH
            )
        return {version: (count, count + mesh[version]) for version, count in rows.items()}


class Storable(Judge):
    """Holds records against the policy, and against what PostgreSQL can keep: no text has a NUL."""

    def __init__(self, judge: Judge | None) -> None:
        self._judge = judge

    def judged(self, record: RecordReadings, output: str, arrived_ms: int) -> Judged:
        """See ``Judge``; one that cannot be kept is malformed."""
        if any(_NUL in text for text in _texts(record)):
            return Judged(Unreadable.MALFORMED)
        if self._judge is None:
            return Judged(None, record.lane)
        return self._judge.judged(record, output, arrived_ms)


def _texts(record: RecordReadings) -> Iterator[str]:
    yield record.record
    yield record.pseudonym
    yield record.policy_version
    yield record.consent or ""
    for run in record.runs:
        yield run.signal
        yield run.unit
        yield from run.texts or ()


def copy_rows(connection: Connection, output: int, parts: Iterable[NewRows]) -> None:
    """Put the rows of one output where they belong; its partitions are there."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        named(rows_table(output)), _NAMES
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_WIRE)
        for part in parts:
            for row in _rows(part.records):
                copy.write_row(row)


def _rows(records: Sequence[RecordReadings]) -> Iterator[tuple[object, ...]]:
    # By pseudonym, so that a table shows little of the order in which its rows arrived.
    for record in sorted(records, key=lambda one: (one.pseudonym, one.record)):
        end = (record.expires_ms, record.policy_version, record.lane, record.consent, 0)
        for signal, unit, t_ms, numbers, texts in record.runs:
            for index, at_ms in enumerate(t_ms):
                value = None if numbers is None else numbers[index]
                text = None if texts is None else texts[index]
                yield (record.record, record.pseudonym, signal, at_ms, value, text, unit, *end)
