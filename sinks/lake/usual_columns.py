"""A part's rows as the core laid them out, to an Arrow table; no row is copied.

The table is the one that ``columns.columns_of`` makes of the same records.
"""

import sys
from typing import Any

import pyarrow as pa

from sinks.lake.columns import COLUMNS, INSTANT, TEXTS
from sinks.port.laid_out import Coded, LaidOut


def table_of(part: LaidOut) -> pa.Table:
    """The sorted rows of one part."""
    expires_ms, rows, _, _, columns = part
    found = {name: _texts(columns[name], rows) for name in TEXTS}  # type: ignore[literal-required]
    found["t"] = pa.Array.from_buffers(INSTANT, rows, [None, pa.py_buffer(columns["t"])])
    numbers, valid = columns["number"]
    found["number"] = pa.Array.from_buffers(
        pa.float64(), rows, [_buffer(valid), pa.py_buffer(numbers)]
    )
    ends = (expires_ms * 1000).to_bytes(8, sys.byteorder, signed=True) * rows
    found["expires_at"] = pa.Array.from_buffers(INSTANT, rows, [None, pa.py_buffer(ends)])
    return pa.table({name: found[name] for name in COLUMNS})


def _texts(column: Coded, rows: int) -> Any:
    codes, valid, offsets, data, different = column
    indices = pa.Array.from_buffers(pa.int32(), rows, [_buffer(valid), pa.py_buffer(codes)])
    texts = pa.Array.from_buffers(
        pa.string(), different, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    return pa.DictionaryArray.from_arrays(indices, texts)


def _buffer(content: bytes | None) -> Any:
    return None if content is None else pa.py_buffer(content)
