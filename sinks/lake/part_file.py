"""A part's bytes: Arrow columns to a sealed Parquet file, and back; what its footer says.

Footers are read by Arrow: an engine's start costs more than all of them. A part that is not what
was written is never parsed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sinks.lake.columns import COLUMNS, INSTANT, TEXTS, sorted_texts
from sinks.lake.seal import NO_SEAL, SEAL_KEY, is_altered, is_altered_in, sealed

ROW_GROUP_ROWS: Final = 122_880
_ROWS_AT_ONCE: Final = 16_384
"""For so many the writer reckons lowest and highest values anew; a file's bytes are the same."""
APPENDED_KEY: Final = "roadfade.appended"
"""In the footer: when topics took the earliest and the latest of its records, ``<ms>-<ms>``."""
_BROKEN: Final = (OSError, ValueError, pa.ArrowException)
"""What Arrow raises for a file that is no whole Parquet file."""
_STORED: Final = {"t": "INT64", "expires_at": "INT64", "number": "DOUBLE"}
_TYPES: Final = {name: _STORED.get(name, "BYTE_ARRAY") for name in COLUMNS}
_SINCE_FORMAT_2: Final = frozenset({"lane", "consent"})


class Appended(NamedTuple):
    """When topics took the earliest and the latest record of some rows; 0, 0: nobody knows."""

    first_ms: int = 0
    last_ms: int = 0

    def with_those_of(self, other: "Appended") -> "Appended":
        """The times of these rows and of others; both are known."""
        return Appended(min(self.first_ms, other.first_ms), max(self.last_ms, other.last_ms))


class Footer(NamedTuple):
    """What a part's footer says."""

    rows: int
    oldest_ms: int | None
    """The earliest ``t``; None if the footer does not say it."""
    appended: Appended
    ours: bool
    """Whether its columns are those of a lake, of this format or the one before."""


class Whole(NamedTuple):
    """What a part holds."""

    rows: pa.Table
    """Texts coded by the values of each row group; columns that it has not got are empty."""
    footer: Footer


def part_bytes(table: pa.Table, appended: Appended, compression: str) -> bytes:
    """The whole file of a part, sealed; with every text that the table has (``only_used``)."""
    said = {SEAL_KEY: NO_SEAL, APPENDED_KEY: f"{appended.first_ms}-{appended.last_ms}"}
    stream = pa.BufferOutputStream()
    with pq.ParquetWriter(
        stream,
        table.schema,
        compression="none" if compression == "uncompressed" else compression,
        store_schema=False,
        use_dictionary=[*sorted(TEXTS), "t", "expires_at"],
        write_batch_size=_ROWS_AT_ONCE,
    ) as writer:
        writer.write_table(table, ROW_GROUP_ROWS)
        writer.add_key_value_metadata(said)
    return sealed(stream.getvalue().to_pybytes())


def only_used(table: pa.Table) -> pa.Table:
    """The same rows without texts that none of them has: a file would hold them.

    Rows that were split off from others, by bucket, still share a dictionary with them, and an
    erasure of those others looks into their own bucket alone.
    """
    return pa.table({name: _only_used(table.column(name)) for name in table.column_names})


def _only_used(column: pa.ChunkedArray) -> Any:
    if not pa.types.is_dictionary(column.type):
        return column
    whole = pa.concat_arrays(column.unify_dictionaries().chunks)
    used = pc.unique(whole.indices.drop_null())
    if len(used) == len(whole.dictionary):
        return whole
    used = used.take(pc.array_sort_indices(used))
    codes = pc.index_in(whole.indices, value_set=used)
    return pa.DictionaryArray.from_arrays(codes, whole.dictionary.take(used))


def read_whole(path: Path) -> Whole | None:
    """All of a part; None if it is damaged, altered or gone.

    The file is read once, so that rows and footer are of the same bytes.
    """
    try:
        content = path.read_bytes()
        if is_altered_in(content):
            return None
        metadata = pq.read_metadata(pa.BufferReader(content))
        # The footer is not parsed again: which columns are texts is known only now.
        # A part is small: threads and reading ahead would cost more than they gain.
        with pq.ParquetFile(
            pa.BufferReader(content),
            metadata=metadata,
            read_dictionary=sorted(TEXTS & set(metadata.schema.names)),
            pre_buffer=False,
        ) as file:
            return Whole(_columns(file.read(use_threads=False)), _footer(metadata))
    except _BROKEN:
        return None


def _columns(found: pa.Table) -> pa.Table:
    """The columns of a lake; those that these rows have not got are empty."""
    nothing = pa.DictionaryArray.from_arrays(
        pa.nulls(found.num_rows, pa.int32()), pa.array([], pa.string())
    )
    return pa.table(
        {name: found.column(name) if name in found.column_names else nothing for name in COLUMNS}
    )


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of several parts, texts coded by sorted values of them all; not in order."""
    whole = pa.concat_tables(tables)
    columns = {
        name: sorted_texts(whole.column(name)) if name in TEXTS else whole.column(name)
        for name in COLUMNS
    }
    return pa.table(columns)


def read_footer(path: Path | str) -> Footer | None:
    """What the footer of a file says; None if it has none that can be read."""
    try:
        with pq.ParquetFile(path) as file:
            return _footer(file.metadata)
    except _BROKEN:
        return None


def _footer(metadata: Any) -> Footer:
    said = metadata.metadata or {}
    appended = _appended(said.get(APPENDED_KEY.encode()))
    return Footer(metadata.num_rows, _oldest_ms(metadata), appended, _is_ours(metadata))


def oldest_in(path: Path) -> int | None:
    """The earliest ``t`` of a part; None if it is damaged or altered, is gone, or has no row."""
    if is_altered(path):
        return None
    footer = read_footer(path)
    if footer is None or footer.oldest_ms is not None:
        return None if footer is None else footer.oldest_ms
    try:
        times = pq.read_table(path, columns=["t"]).column("t").cast(INSTANT)
    except _BROKEN:
        return None
    earliest = pc.min(times)
    return int(earliest.value) // 1000 if earliest.is_valid else None


def records_in(path: Path) -> set[str]:
    """The ids of the records of a part; none if it is damaged or gone."""
    return texts_in(path, "record") or set()


def texts_in(path: Path, column: str) -> set[str] | None:
    """The texts of one column of a part; None if it is damaged, or gone."""
    try:
        found = pq.ParquetFile(path, read_dictionary=[column]).read(columns=[column])
    except _BROKEN:
        return None
    chunks = found.column(column).chunks
    return {one for chunk in chunks for one in chunk.dictionary.to_pylist()}


def count_rows(path: Path | str) -> int | None:
    """How many rows a file holds, from its footer alone; None if that cannot be read."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except _BROKEN:
        return None


def unreadable_parts(paths: Sequence[Path]) -> list[Path]:
    """Files that are altered, or have no footer of ours; those gone meanwhile too. Reads all."""
    return [path for path in paths if not _is_whole(path)]


def _is_whole(path: Path) -> bool:
    if is_altered(path):
        return False
    footer = read_footer(path)
    return footer is not None and footer.ours


def _is_ours(metadata: Any) -> bool:
    schema = metadata.schema
    found = {schema.column(n).name: schema.column(n).physical_type for n in range(len(schema))}
    missing = _TYPES.keys() - found.keys()
    whole = missing == _SINCE_FORMAT_2 or not missing
    return whole and all(_TYPES.get(name) == kind for name, kind in found.items())


def _oldest_ms(metadata: Any) -> int | None:
    names = [metadata.schema.column(n).name for n in range(len(metadata.schema))]
    if "t" not in names or not metadata.num_rows:
        return None
    place, oldest = names.index("t"), []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        oldest.append(statistics.min)
    return min(_to_ms(one) for one in oldest)


def _to_ms(moment: Any) -> int:
    return int(pa.scalar(moment, pa.timestamp("us")).value) // 1000


def _appended(said: bytes | None) -> Appended:
    first, _, last = (said or b"").decode(errors="replace").partition("-")
    return Appended(int(first), int(last)) if first.isdecimal() and last.isdecimal() else Appended()
