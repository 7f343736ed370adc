"""What one write keeps, until it is laid out as parts: usual records in the core, others as read.

One for a lake; ``begin`` forgets what a write left that failed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from sinks.lake.columns import columns_of, in_order
from sinks.lake.durable import write_file
from sinks.lake.part_file import Appended, joined, part_bytes
from sinks.lake.seal import seal_in
from sinks.lake.steps import Hook, Step
from sinks.lake.usual_columns import table_of
from sinks.lake.writing import WrittenPart
from sinks.port.allowed import Judge
from sinks.port.core import gathering
from sinks.port.laid_out import Gathering
from sinks.port.records import RecordReadings
from sinks.port.usual import UsualRecords

_Place = tuple[str, int]
"""An output, and when its rows end."""


class Rows(NamedTuple):
    """The sorted rows of one output and end."""

    output: str
    expires_ms: int
    table: pa.Table
    appended: Appended


class Gathered:
    """Records of several outputs, gathered and laid out. One thread at a time.

    ``gather`` makes what gathers the usual records of an output; None: there is no core.
    """

    def __init__(
        self,
        outputs: Iterable[str],
        judge: Judge | None,
        gather: Callable[[str], Gathering | None] = gathering,
    ) -> None:
        self._usual: dict[str, UsualRecords] = {}
        self._others: dict[_Place, list[RecordReadings]] = {}
        for output in set(outputs):
            found = gather(output)
            if found is not None:
                self._usual[output] = UsualRecords(output, found, judge)

    def begin(self) -> None:
        """Begin a write."""
        self._others = {}
        for usual in self._usual.values():
            usual.begin()

    def usual(self, output: str) -> UsualRecords | None:
        """What reads and has the usual records of an output; None without a core."""
        return self._usual.get(output)

    def put(self, output: str, records: Iterable[RecordReadings]) -> None:
        """Have records that were read elsewhere; those without a reading have no row."""
        for record in records:
            if record.runs:
                self._others.setdefault((output, record.expires_ms), []).append(record)

    def take(self) -> Iterator[Rows]:
        """What is kept, by output and end."""
        others, self._others = self._others, {}
        found = {
            (output, part[0]): (table_of(part), Appended(part[2], part[3]))
            for output, usual in self._usual.items()
            for part in usual.gathering.take()
        }
        for place in sorted({*found, *others}):
            usual, records = found.get(place), others.get(place)
            if usual is None or records is None:
                yield Rows(*place, *(usual or _read_elsewhere(records or ())))
                continue
            other, spans = _read_elsewhere(records)
            table = in_order(joined([usual[0], other]))
            yield Rows(*place, table, usual[1].with_those_of(spans))


def _read_elsewhere(records: Sequence[RecordReadings]) -> tuple[pa.Table, Appended]:
    times = [record.appended_ms for record in records]
    return columns_of(records), Appended(min(times), max(times))


def write_parts(
    gathered: Iterable[Rows], folder: Path, compression: str, at: Hook
) -> list[WrittenPart]:
    """A part of each, durable under a temporary name in the folder. Blocks."""
    written = []
    for number, rows in enumerate(gathered):
        content = part_bytes(rows.table, rows.appended, compression)
        temporary = folder / f"{number}.parquet"
        write_file(temporary, content)
        at(Step.WRITTEN)
        written.append(
            WrittenPart(
                temporary, rows.output, rows.expires_ms, None, rows.table.num_rows,
                len(content), seal_in(content), rows.appended,
            )
        )  # fmt: skip
    return written
