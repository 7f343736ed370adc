"""What is left of a part without the rows that are meant, laid out as if they had never been there.

In: a part, and which of its rows are meant. Out: the others, in their order, and no text that only
those had. A file that the engine wrote would show for ever that somebody was erased from it: it
encodes otherwise than a sink, and says its own name.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sinks.lake.layout import read_part
from sinks.lake.merging import MERGE_ROWS_MAX
from sinks.lake.part_file import Footer, only_used, read_footer, read_whole
from sinks.port.selection import Selection

AT_ONCE_ROWS: Final = 100_000
"""Rows that are looked at one by one; so many are in memory as objects of Python."""
_STRANGE: Final = (OSError, ValueError, TypeError, MemoryError, pa.ArrowException)
"""What rows that no sink wrote raise here: the engine decides on them."""


class Left(NamedTuple):
    """The rows that stay, and what the part's footer says."""

    rows: pa.Table
    footer: Footer


def left_of(path: Path, selection: Selection, meant: int) -> Left | None:
    """The rest of a part of which so many rows are meant; None if it cannot be laid out here.

    So it is with a part that is not whole, not as a sink writes it, or larger than what a merge
    holds in memory.
    """
    footer = read_footer(path)
    if footer is None or footer.rows > MERGE_ROWS_MAX:
        return None
    try:
        return _left_of(path, selection, meant)
    except _STRANGE:
        return None


def _left_of(path: Path, selection: Selection, meant: int) -> Left | None:
    whole = read_whole(path)
    if whole is None or not whole.footer.ours:
        return None
    rows = whole.rows.filter(pc.invert(_meant(path, whole.rows, selection)))
    if rows.num_rows + meant != whole.rows.num_rows:
        return None  # the engine reads it otherwise
    left = only_used(rows) if rows.num_rows else rows.schema.empty_table()
    return Left(left, whole.footer)


def _meant(path: Path, rows: pa.Table, selection: Selection) -> Any:
    """Of each row, whether it is."""
    names = pa.array(sorted(map(str, selection.pseudonyms)), pa.string())
    theirs = pc.is_in(_texts(rows, "pseudonym"), value_set=names)
    if selection == Selection(selection.pseudonyms, floors_ms=selection.floors_ms):
        return theirs
    part = read_part(path.name)
    if part is None or part.number == 0:
        # Rows of format 1 do not say on what they rest.
        selection = selection._replace(consents=frozenset())
    means = pa.array(_means(rows.filter(theirs), selection), pa.bool_())
    return pc.replace_with_mask(theirs, theirs, means)


def _means(rows: pa.Table, selection: Selection) -> Iterator[bool]:
    """Of each row of somebody who is named, whether it is meant; ValueError for a strange time."""
    for first in range(0, rows.num_rows, AT_ONCE_ROWS):
        some = rows.slice(first, AT_ONCE_ROWS)
        columns = [_texts(some, name).to_pylist() for name in ("pseudonym", "consent", "lane")]
        times_us = pc.cast(some.column("t"), pa.int64()).to_pylist()
        for pseudonym, consent, lane, t_us in zip(*columns, times_us, strict=True):
            if t_us < 0 or t_us % 1_000:
                # A sink writes whole milliseconds of this era; the engine rounds others its way.
                raise ValueError
            yield selection.means(pseudonym, consent, lane, t_us // 1_000)


def _texts(rows: pa.Table, name: str) -> Any:
    return pc.cast(rows.column(name), pa.string()).combine_chunks()
