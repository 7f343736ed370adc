"""The frames of an MF4, taken by the column.

In: a path. Out: what python-can's reader gives, data frames as rows of our own. asammdf gives
whole columns and python-can asks it for each cell of them, which takes longer than all the rest.
Columns that are not plain go the way of python-can, from the first record that is unlike.
"""

from collections.abc import Generator
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from ingest.logs.clock import WallClock, microseconds
from ingest.logs.frame import LoggedFrame, is_possible
from ingest.python_can import can

_CG_BUS_EVENT: Final = 0x2
"""ASAM MDF 4.1, CGBLOCK, cg_flags: records of bus traffic."""
_ID_MASK: Final = 0x1FFFFFFF
_NAME: Final = "CAN_DataFrame."
_READ: Final = frozenset({"ID", "DataLength", "BusChannel", "Dir", "IDE", "EDL", "BRS", "ESI"})
_WHOLE: Final = "ui"
_NUMBERS: Final = "uibf"
"""Kinds of columns as numpy names them; a conversion in the file makes floats of whole numbers."""


class Row(NamedTuple):
    """A data frame of an MF4; ``timestamp`` in seconds, as python-can has it."""

    timestamp: float
    bus: str
    id: int
    ext: bool
    data: bytes
    direction: Literal["rx", "tx"]
    fd: bool

    @property
    def possible(self) -> bool:
        """Whether such a frame exists."""
        return is_possible(self.id, len(self.data), ext=self.ext, fd=self.fd)

    def logged(self, t_us: int) -> LoggedFrame:
        """The frame, seen at ``t_us``."""
        return LoggedFrame(t_us, self.bus, self.id, self.ext, self.data, self.direction)


class _ByColumns(can.MF4Reader._CANDataFrameIterator):  # noqa: SLF001  # the one place that picks what reads a group
    """The data frames of one channel group."""

    def __iter__(self) -> Generator[Any, None, None]:
        records = self._mdf.groups[self._group_index].channel_group.cycles_nr
        done = 0
        for offset in range(0, records, self._chunk_size):
            rows = _rows(self._get_data(offset), self._start_timestamp)
            if rows is None:
                yield from islice(super().__iter__(), done, None)
                return
            yield from rows
            done += len(rows)


class Mf4(can.MF4Reader):
    """An MF4 and where its clock starts: UTC, or a wall if the file has the local flag."""

    _CANDataFrameIterator = _ByColumns

    @property
    def wall_start(self) -> float:
        """Seconds since 1970."""
        return self._start_timestamp

    def start_us(self, wall: WallClock) -> int:
        """When its clock starts, in microseconds since 1970 UTC."""
        start: datetime = self._mdf.header.start_time
        if start.tzinfo is not None:
            return microseconds(self.wall_start)
        # python-can has read it as this machine's time.
        return wall.place(start)

    @property
    def has_bus(self) -> bool:
        """It logs a bus; else it holds measured signals."""
        return any(group.channel_group.flags & _CG_BUS_EVENT for group in self._mdf.groups)


def _rows(chunk: Any, start_s: float) -> list[Row] | None:
    """The rows of some records; None if a column is not as loggers write it."""
    samples, stamps = chunk.samples, chunk.timestamps
    columns = {
        name.removeprefix(_NAME): samples[name]
        for name in samples.dtype.names or ()
        if name.startswith(_NAME)
    }
    size = len(samples)
    if not size or stamps.shape != (size,) or stamps.dtype.kind != "f" or not _plain(columns, size):
        return None
    data = columns["DataBytes"]
    width, whole = data.shape[1], data.tobytes()
    try:
        lengths = _whole_numbers(columns["DataLength"])
        ids = _whole_numbers(columns["ID"])
        buses = _whole_numbers(columns["BusChannel"]) if "BusChannel" in columns else None
        directions = _directions(columns.get("Dir"), size)
    except (ValueError, OverflowError):
        return None  # a float that is no number
    if min(lengths) < 0:
        return None
    return [
        Row(
            stamp + start_s, bus, can_id & _ID_MASK, is_ext, whole[at : at + min(length, width)],
            direction, is_fd,
        )
        for stamp, bus, can_id, is_ext, at, length, direction, is_fd in zip(
            stamps.tolist(), [""] * size if buses is None else map(str, buses), ids,
            _flags(columns.get("IDE"), size, absent=True), range(0, size * width, width), lengths,
            directions, _flags(columns.get("EDL"), size, absent=False), strict=True,
        )
    ]  # fmt: skip


def _plain(columns: dict[str, Any], size: int) -> bool:
    """Whether each column is one number a record, the bytes so many, and a direction in letters."""
    if not {"ID", "DataLength", "DataBytes"} <= columns.keys():
        return False
    data = columns["DataBytes"]
    return (
        data.ndim == len(("record", "byte"))
        and data.shape[1] > 0
        and data.dtype.kind + str(data.dtype.itemsize) == "u1"
        and all(
            columns[name].shape == (size,)
            and columns[name].dtype.kind in (_NUMBERS + "S" if name == "Dir" else _NUMBERS)
            for name in columns.keys() & _READ
        )
    )


def _whole_numbers(column: Any) -> list[int]:
    """ValueError or OverflowError for a float that is none."""
    return column.tolist() if column.dtype.kind in _WHOLE else list(map(int, column.tolist()))


def _flags(column: Any | None, size: int, *, absent: bool) -> list[bool]:
    return [absent] * size if column is None else list(map(bool, column.tolist()))


def _directions(column: Any | None, size: int) -> list[Literal["rx", "tx"]]:
    if column is None:
        return ["rx"] * size
    if column.dtype.kind == "S":
        return ["rx" if way == b"Rx" else "tx" for way in column.tolist()]
    return ["tx" if way else "rx" for way in _whole_numbers(column)]
