"""The binary forms: BLF and MF4, read by python-can (MF4 with asammdf, an extra).

In: a path. Out: data frames. A file that ends early yields what it holds and is marked
as truncated; a file that cannot be opened is refused.
"""

import struct
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import can
from can.io.blf import BLFParseError

from ingest.logs.clock import microseconds
from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.sniff import Form
from ingest.logs.text import logged
from ingest.refused import Refused

_CUT_OFF: Final = (BLFParseError, struct.error, zlib.error, EOFError, ValueError, IndexError)


def read_binary(form: Form, path: Path, counts: LogCounts) -> Iterator[LoggedFrame]:
    """The data frames of a BLF or MF4 capture."""
    if form is Form.MF4 and find_spec("asammdf") is None:
        msg = "Reading MF4 needs asammdf: install the extra with `pip install 'roadfade[mf4]'`."
        raise Refused(msg)
    try:
        reader = can.MF4Reader(path) if form is Form.MF4 else can.BLFReader(path)
    except Exception as error:
        # asammdf raises a dozen kinds; none comes after a frame, so nothing is lost here.
        msg = f"{path.name} begins as {form} but cannot be opened: the file is damaged."
        raise Refused(msg) from error
    if isinstance(reader, can.BLFReader):
        counts.truncated = path.stat().st_size < reader.file_size
    with reader:
        yield from _frames(reader, counts)


def _frames(reader: can.MF4Reader | can.BLFReader, counts: LogCounts) -> Iterator[LoggedFrame]:
    messages = iter(reader)
    while True:
        try:
            message = next(messages)
        except StopIteration:
            return
        except _CUT_OFF:
            counts.truncated = True
            return
        if message.is_error_frame:
            counts.error += 1
        elif message.is_remote_frame:
            counts.remote += 1
        else:
            counts.data += 1
            yield logged(message, microseconds(message.timestamp))
