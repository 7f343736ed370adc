"""What one write keeps, until it is laid out as parts: usual records in the core, others as read.

One for a lake; ``begin`` forgets what a write left that failed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from sinks.lake.columns import columns_of, in_order
from sinks.lake.part_file import Appended, joined
from sinks.lake.usual_columns import table_of
from sinks.port.allowed import Judge
from sinks.port.core import gathering
from sinks.port.records import RecordReadings
from sinks.port.usual import UsualRecords

if TYPE_CHECKING:
    from roadfade_core import Gathering

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
        gather: "Callable[[str], Gathering | None]" = gathering,
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
            tables = [found[place]] if place in found else []
            if records := others.get(place):
                times = [record.appended_ms for record in records]
                tables.append((columns_of(records), Appended(min(times), max(times))))
            table = tables[0][0]
            if len(tables) > 1:
                table = in_order(joined([table for table, _ in tables]))
            spans = [span for _, span in tables]
            first_ms, last_ms = (
                min(one.first_ms for one in spans),
                max(one.last_ms for one in spans),
            )
            yield Rows(*place, table, Appended(first_ms, last_ms))
