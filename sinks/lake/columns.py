"""Records to the columns of a part: one row per reading, sorted, no Python object per row.

In: records of one expiry. Out: an Arrow table in the order of ``COLUMNS``. Lists of a series go
over whole; what all rows of a series or a record share goes over once, as a code. This is the
definition of a part's rows; whatever makes them faster must make the same.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sinks.port.records import RecordReadings

COLUMNS: Final = (
    "record",
    "pseudonym",
    "signal",
    "t",
    "number",
    "text",
    "unit",
    "expires_at",
    "policy_version",
    "lane",
    "consent",
)
TEXTS: Final = frozenset(COLUMNS) - {"t", "number", "expires_at"}
ORDER: Final = ("pseudonym", "t", "signal", "record", "number", "text", "unit")
"""Sorted so, a file shows nothing of the order in which its rows arrived."""
INSTANT: Final = pa.timestamp("us")
_CODE: Final = pa.int32()


def columns_of(records: Sequence[RecordReadings]) -> pa.Table:
    """The sorted rows of records that expire at one instant; each has a run."""
    # Numbers first, then texts: the two lists of values need no gaps.
    runs = sorted(
        ((nth, run) for nth, record in enumerate(records) for run in record.runs),
        key=lambda pair: pair[1].texts is not None,
    )
    times: list[int] = []
    numbers: list[float] = []
    texts: list[str] = []
    for _, run in runs:
        times += run.t_ms
        numbers += run.numbers or ()
        texts += run.texts or ()
    of_run = _run_of_each_row([len(run.t_ms) for _, run in runs])
    of_record = pa.array([nth for nth, _ in runs], _CODE).take(of_run)
    found = {
        "record": _coded([record.record for record in records], of_record),
        "pseudonym": _coded([record.pseudonym for record in records], of_record),
        "signal": _coded([run.signal for _, run in runs], of_run),
        "unit": _coded([run.unit for _, run in runs], of_run),
        "policy_version": _coded([record.policy_version for record in records], of_record),
        "lane": _coded([record.lane for record in records], of_record),
        "consent": _coded([record.consent for record in records], of_record),
    }
    found["t"] = pc.cast(pa.array(times, pa.timestamp("ms")), INSTANT)
    found["number"] = _before(pa.array(numbers, pa.float64()), len(texts))
    found["text"] = _after(len(numbers), texts)
    ends = pa.scalar(records[0].expires_ms * 1000, INSTANT)
    found["expires_at"] = pa.repeat(ends, len(times))
    return in_order(pa.table({name: found[name] for name in COLUMNS}))


def in_order(table: pa.Table, first: Any = None) -> pa.Table:
    """The rows in the order of every part. Texts are coded by sorted values, as ``sorted_texts``.

    ``first`` is a column to go by before all others.
    """
    keys = {} if first is None else {"": first}
    keys |= {name: _key(table.column(name)) for name in ORDER}
    batch = pa.table(keys).combine_chunks()
    order = pc.sort_indices(batch, sort_keys=[(name, "ascending") for name in keys])
    return table.take(order)


def sorted_texts(column: pa.ChunkedArray) -> Any:
    """A column of texts as codes of its sorted, different values."""
    whole = pa.concat_arrays(column.unify_dictionaries().chunks)
    values = whole.dictionary
    order = pc.array_sort_indices(values)
    ranks = pc.array_sort_indices(order)  # the inverse of a permutation
    codes = pc.cast(ranks.take(whole.indices), _CODE)
    return pa.DictionaryArray.from_arrays(codes, values.take(order))


def _key(column: pa.ChunkedArray) -> Any:
    if not pa.types.is_dictionary(column.type):
        return column
    return pa.chunked_array([chunk.indices for chunk in column.chunks], _CODE)


def _run_of_each_row(lengths: Iterable[int]) -> Any:
    """For each row, the number of its run."""
    ends = pc.cumulative_sum(pa.array(lengths, _CODE))
    offsets = pa.concat_arrays([pa.array([0], _CODE), ends])
    rows = pa.nulls(ends[-1].as_py(), pa.bool_())
    return pc.list_parent_indices(pa.ListArray.from_arrays(offsets, rows))


def _coded(values: Sequence[str | None], of_run: Any) -> Any:
    different = sorted({value for value in values if value is not None})
    codes: dict[str | None, int | None] = {value: code for code, value in enumerate(different)}
    codes[None] = None
    indices = pa.array([codes[value] for value in values], _CODE).take(of_run)
    return pa.DictionaryArray.from_arrays(indices, pa.array(different, pa.string()))


def _before(array: Any, nulls: int) -> Any:
    return pa.concat_arrays([array, pa.nulls(nulls, array.type)]) if nulls else array


def _after(nulls: int, texts: Sequence[str]) -> Any:
    different = sorted(set(texts))
    codes = {value: code for code, value in enumerate(different)}
    indices = pa.array([codes[text] for text in texts], _CODE)
    indices = pa.concat_arrays([pa.nulls(nulls, _CODE), indices])
    return pa.DictionaryArray.from_arrays(indices, pa.array(different, pa.string()))
