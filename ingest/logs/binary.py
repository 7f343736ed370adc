"""The binary forms: BLF and MF4, read by python-can (MF4 with asammdf, an extra).

In: a path. Out: data frames. A file that ends early yields what it holds and is marked
as truncated; a file that cannot be opened is refused.
"""

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from ingest.logs.blf import Blf
from ingest.logs.clock import WallClock, microseconds
from ingest.logs.ends import End, blf_ends_early, mf4_end, mf4_unfinished
from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.hushed import hushed
from ingest.logs.mf4 import Mf4, Row
from ingest.logs.sniff import Form, refused_as
from ingest.logs.strangers import signals_only
from ingest.logs.text import logged, possible
from ingest.python_can import can, with_mf4
from ingest.refused import Refused


def read_binary(form: Form, path: Path, counts: LogCounts, zone: tzinfo) -> Iterator[LoggedFrame]:
    """The data frames of a BLF or MF4 capture; ``zone`` is that of a wall clock without one."""
    wall = WallClock(zone, counts)
    if form is not Form.MF4:
        with _opened(form, path, lambda: Blf(path), wall) as (blf, start_us):
            counts.truncated = blf_ends_early(path, blf.file_size)
            yield from _frames(blf, counts, start_us)
            counts.truncated = counts.truncated or blf.left_out
        return
    if find_spec("asammdf") is None:
        msg = "Reading MF4 needs asammdf: install the extra with `pip install 'roadfade[mf4]'`."
        raise Refused(msg)
    end = mf4_end(path)
    if end is End.HEADLESS:
        raise _damaged(form, path)
    counts.truncated, counts.unfinished = end is End.CUT, mf4_unfinished(path)
    try:
        with_mf4()
    except ImportError:
        msg = (
            "Reading MF4 needs asammdf, which is installed and cannot be loaded: uninstall it, and "
            "install it again with `pip install 'roadfade[mf4]'`."
        )
        raise Refused(msg) from None
    with hushed() as complaints:
        with _opened(form, path, lambda: Mf4(path), wall) as (mf4, start_us):
            if not mf4.has_bus:
                raise refused_as(path, signals_only())
            yield from _frames(mf4, counts, start_us)
        counts.truncated = counts.truncated or complaints.any


_Reader = TypeVar("_Reader", Mf4, Blf)


@contextmanager
def _opened(
    form: Form, path: Path, make: Callable[[], _Reader], wall: WallClock
) -> Iterator[tuple[_Reader, int]]:
    """The reader, and when its clock starts."""
    with warnings.catch_warnings():
        # A library that fails as it opens leaves files open, and complains of itself as it goes.
        # It goes here, where that is heard.
        warnings.simplefilter("ignore", ResourceWarning)
        opened = _open(make, wall)
        if opened is None:
            gc.collect()
    if opened is None:
        raise _damaged(form, path)
    with opened[0]:
        yield opened


def _open(make: Callable[[], _Reader], wall: WallClock) -> tuple[_Reader, int] | None:
    try:
        reader = make()
        return reader, reader.start_us(wall)
    except Exception:  # noqa: BLE001  # asammdf raises a dozen kinds, none after a frame
        return None


def _damaged(form: Form, path: Path) -> Refused:
    return Refused(
        f"{path.name} begins as {form} but cannot be opened: the file is damaged, or cut off "
        "before its first frame. Copy it from the logger again."
    )


def _frames(reader: Mf4 | Blf, counts: LogCounts, start_us: int) -> Iterator[LoggedFrame]:
    messages: Iterator[Row | can.Message] = iter(reader)
    wall_start = reader.wall_start
    while True:
        try:
            message = next(messages)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001  # a dozen kinds for what is cut or damaged; that is told
            counts.truncated = True
            return
        if not isinstance(message, Row):
            if message.is_error_frame:
                counts.error += 1
                continue
            if message.is_remote_frame:
                counts.remote += 1
                continue
        try:
            elapsed_us = microseconds(message.timestamp - wall_start)
        except (ValueError, OverflowError):
            counts.bad += 1
            continue
        if not (message.possible if isinstance(message, Row) else possible(message)):
            counts.bad += 1
            continue
        counts.data += 1
        t_us = start_us + elapsed_us
        yield message.logged(t_us) if isinstance(message, Row) else logged(message, t_us)
