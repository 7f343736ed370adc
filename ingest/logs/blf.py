"""A BLF, read container by container; what cannot be read of it is heard and never passed over.

In: a path. Out: python-can's messages, and whether something of the file was left unread.
python-can parses the objects; by itself it drops containers that end early or are packed in
another way without a word, and would read bytes of one object into another.
"""

import logging
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Final

from can.io import blf

from ingest.logs.clock import WallClock
from ingest.logs.hushed import Complaints
from ingest.python_can import can

_GRAIN_US: Final = 1_000
"""SYSTEMTIME counts milliseconds."""
_PADDING_MAX: Final = 3
_UNPACKED_BYTES_MAX: Final = 256 * 1024 * 1024
"""What a container holds beyond is left out, and told; writers make them of some 128 KiB."""
_BODY_BYTES: Final = {
    blf.CAN_MESSAGE: blf.CAN_MSG_STRUCT.size,
    blf.CAN_MESSAGE2: blf.CAN_MSG_STRUCT.size,
    blf.CAN_ERROR_EXT: blf.CAN_ERROR_EXT_STRUCT.size,
    blf.CAN_FD_MESSAGE: blf.CAN_FD_MSG_STRUCT.size,
    blf.CAN_FD_MESSAGE_64: blf.CAN_FD_MSG_64_STRUCT.size,
}
"""The least that python-can reads of an object beside its headers."""


class DamagedError(Exception):
    """An object or container that does not hold what it says."""


class Blf(can.BLFReader):
    """A BLF and where its clock starts: a SYSTEMTIME on the wall of whoever recorded it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.left_out = False
        """An object or a container was of a kind that nobody here can read."""

    @property
    def wall_start(self) -> float:
        """Seconds since 1970, the wall being read as if it were UTC."""
        return self.start_timestamp

    def start_us(self, wall: WallClock) -> int:
        """When its clock starts, in microseconds since 1970 UTC."""
        return wall.replace(self.wall_start, _GRAIN_US) if self.wall_start else 0

    def __iter__(self) -> Generator[can.Message, None, None]:
        """The messages up to the end or to what is damaged, which raises."""
        logger = logging.getLogger("can.io.blf")
        complaints = Complaints()
        before = logger.handlers, logger.propagate, logger.disabled, logger.level
        # It would print a line for every object whose header it does not know.
        logger.handlers, logger.propagate, logger.disabled = [complaints], False, False
        logger.setLevel(logging.WARNING)
        try:
            while (found := self._object()) is not None:
                content, whole = found
                sound = self._sound_bytes(content)
                yield from self._parse_container(content[:sound])
                if sound < len(content):
                    raise DamagedError
                if not whole:
                    # What comes next does not go on where this stops.
                    self._tail = b""
        finally:
            logger.handlers, logger.propagate, logger.disabled, level = before
            logger.setLevel(level)
            self.left_out = self.left_out or complaints.any
        if len(self._tail) > _PADDING_MAX and any(self._tail):
            raise DamagedError

    def _object(self) -> tuple[bytes, bool] | None:
        """A container's content and if that is whole, or an object outside one; None at the end."""
        head = self.file.read(blf.OBJ_HEADER_BASE_STRUCT.size)
        if not head:
            return None
        mark, _, _, size, kind = blf.OBJ_HEADER_BASE_STRUCT.unpack(head)
        if mark != b"LOBJ" or size < len(head):
            raise DamagedError
        body = self.file.read(size - len(head))
        if len(body) < size - len(head) and kind != blf.LOG_CONTAINER:
            raise DamagedError
        padding = self.file.read(size % 4)
        if kind != blf.LOG_CONTAINER:
            return head + body + padding, True
        return self._unpacked(body)

    def _sound_bytes(self, content: bytes) -> int:
        """How much comes before an object that is too short for what it is: it would never end."""
        data, at = self._tail + content, 0
        head = blf.OBJ_HEADER_BASE_STRUCT
        while (at := data.find(b"LOBJ", at, at + 8)) >= 0 and at + head.size <= len(data):
            *_, size, kind = head.unpack_from(data, at)
            if size < head.size + blf.OBJ_HEADER_V1_STRUCT.size + _BODY_BYTES.get(kind, 0):
                return max(0, at - len(self._tail))
            at += size
        return len(content)

    def _unpacked(self, container: bytes) -> tuple[bytes, bool]:
        method, said_bytes = blf.LOG_CONTAINER_STRUCT.unpack_from(container)
        content = container[blf.LOG_CONTAINER_STRUCT.size :]
        if method == blf.ZLIB_DEFLATE:
            packed = zlib.decompressobj()
            content = packed.decompress(content, _UNPACKED_BYTES_MAX)
            whole = packed.eof
        else:
            content = content if method == blf.NO_COMPRESSION else b""
            whole = len(content) >= said_bytes and method == blf.NO_COMPRESSION
        self.left_out = self.left_out or not whole or len(content) != said_bytes
        return content, whole
