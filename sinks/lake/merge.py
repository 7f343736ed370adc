"""Merging small parts beside the writer: read, sort, split by bucket, and put in one checkpoint.

In: a lake that its sink has open. Out: fewer, larger parts with the same rows. A kill leaves the
old parts or the new ones: the checkpoint that names both is the moment at which the new ones count.
An erasure and a restatement wait for a merge, and it for them, so that none copies what another has
removed. What is about to end, is altered or cannot be read is left as it is; without room to write,
everything is.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sinks.lake.columns import in_order
from sinks.lake.deletion.journal import settle
from sinks.lake.durable import write_file
from sinks.lake.layout import Partition, bucket_of, files, read_bucket, read_part
from sinks.lake.merging import MERGE_ROWS_MAX, Candidate, to_merge
from sinks.lake.part_file import Appended, joined, part_bytes, read_footer, read_whole
from sinks.lake.seal import seal_in
from sinks.lake.steps import Hook, Step
from sinks.lake.workplace import ERASING, Workplace, WorkplaceTakenError
from sinks.lake.writing import WrittenPart
from telemetry.instants import MINUTE_MS

BEFORE_END_MS: Final = 2 * MINUTE_MS
"""A partition that ends so soon is left to the sweep: its rows are counted as they go, once."""
Publish = Callable[[Sequence[WrittenPart], Sequence[Path]], None]
"""Has new parts take the place of old ones; does nothing if an old one is gone."""


class Merger:
    """Remembers how many rows a part has, and which cannot be merged. One thread at a time."""

    def __init__(
        self, root: Path, workplace: Path, buckets: int, compression: str, at: Hook
    ) -> None:
        self._root = root
        self._workplace = workplace
        self._buckets = buckets
        self._compression = compression
        self._at = at
        self._rows: dict[Partition, dict[Path, int | None]] = {}

    def merge(self, places: Sequence[Partition], now_ms: int, publish: Publish) -> set[Partition]:
        """Merge once in each partition that is worth it; those to be looked at again. Blocks."""
        again = set[Partition]()
        self._rows = {
            place: rows for place, rows in self._rows.items() if place.expires_ms > now_ms
        }
        try:
            with Workplace(self._root, ERASING, wait_s=0):
                undecided = settle(self._root)
                untouched = {*undecided.sources, *undecided.parts}
                rows = 0
                for place in places:
                    if place.expires_ms <= now_ms + BEFORE_END_MS:
                        continue
                    chosen = self._chosen(place, untouched)
                    if not chosen:
                        continue
                    again.add(place)
                    of_place = sum(one.rows for one in chosen)
                    if rows == 0 or rows + of_place <= MERGE_ROWS_MAX:
                        rows += of_place
                        self.copy(place, chosen, publish)
        except WorkplaceTakenError:
            return set(places)
        return again

    def _chosen(self, place: Partition, untouched: set[Path]) -> list[Candidate]:
        """Of parts that one version gave their end; a lake has seldom more than one."""
        by_version: dict[int, list[Candidate]] = {}
        known = self._rows.get(place, {})
        rows_of = {path: known[path] if path in known else _rows_in(path) for path in files(place)}
        self._rows[place] = rows_of
        for path, rows in rows_of.items():
            part = read_part(path.name)
            if part is not None and rows is not None and path not in untouched:
                one = Candidate(path, read_bucket(path.parent.name), rows)
                by_version.setdefault(part.decided_by, []).append(one)
        for _, candidates in sorted(by_version.items()):
            if chosen := to_merge(candidates, self._buckets):
                return chosen
        return []

    def copy(self, place: Partition, chosen: Sequence[Candidate], publish: Publish) -> None:
        """Copy parts of one partition and one version into those of their buckets.

        Nothing is published if one of them cannot be read, or there is no room.
        """
        tables: list[pa.Table] = []
        appended: list[Appended] = []
        for one in chosen:
            whole = read_whole(one.path)
            if whole is None:
                self._rows.setdefault(place, {})[one.path] = None  # it goes with its partition
                return
            tables.append(whole.rows)
            appended.append(whole.appended)
        part = read_part(chosen[0].path.name)
        decided_by = 0 if part is None else part.decided_by
        known = [one for one in appended if one != Appended()]
        span = Appended()
        if len(known) == len(appended):
            span = Appended(min(one.first_ms for one in known), max(one.last_ms for one in known))
        try:
            written = self._written(place, joined(tables), span, decided_by)
            if written is not None:
                publish(written, [one.path for one in chosen])
        finally:
            # Copies of rows that were not published would outlive their end.
            for left in self._workplace.glob("merged-*.parquet"):
                left.unlink(missing_ok=True)

    def _written(
        self, place: Partition, table: pa.Table, span: Appended, decided_by: int
    ) -> list[WrittenPart] | None:
        """The new parts; None if there is no room for them."""
        try:
            return [
                self._write(place, bucket, rows, span, decided_by)
                for bucket, rows in split(table, self._buckets)
            ]
        except OSError:
            return None

    def _write(
        self, place: Partition, bucket: int, rows: pa.Table, appended: Appended, decided_by: int
    ) -> WrittenPart:
        content = part_bytes(rows, appended, self._compression)
        temporary = self._workplace / f"merged-{bucket}.parquet"
        write_file(temporary, content)
        self._at(Step.MERGED)
        return WrittenPart(
            temporary, place.output, place.expires_ms, bucket, rows.num_rows, len(content),
            seal_in(content), appended, decided_by,
        )  # fmt: skip


def _rows_in(path: Path) -> int | None:
    """How many rows a part has; None if it cannot be merged."""
    footer = read_footer(path)
    return footer.rows if footer is not None and footer.ours else None


def split(table: pa.Table, buckets: int) -> Iterator[tuple[int, pa.Table]]:
    """The sorted rows of each bucket that has any."""
    pseudonyms = table.column("pseudonym").combine_chunks()
    names = pseudonyms.dictionary.to_pylist()
    of_name = pa.array([bucket_of(name, buckets) for name in names], pa.int32())
    of_row: Any = of_name.take(pseudonyms.indices)
    rows = in_order(table, of_row)
    begin = 0
    counts = {one["values"]: one["counts"] for one in pc.value_counts(of_row).to_pylist()}
    for bucket in sorted(counts):
        yield bucket, rows.slice(begin, counts[bucket])
        begin += counts[bucket]
