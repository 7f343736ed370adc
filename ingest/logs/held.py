"""The frames of one capture kept as columns, so that its file is read once.

In: frames, and how many bytes they may take. Out: the same frames again, or none of them if they
take more: then the file is read again. A replay knows by how much to move times when it has seen
the last of them.
"""

from array import array
from collections.abc import Iterator
from typing import Final, Literal

from ingest.logs.frame import LoggedFrame

HELD_MIB: Final = 256
"""Some twelve million classic frames: hours of a busy bus."""
_MIB: Final = 1024 * 1024
_COLUMNS_BYTES: Final = 8 + 4 + 1
"""A frame's stamp, the index of its sender, and how many bytes of data it has."""
_SENDER_BYTES: Final = 300
"""About what a sender takes with its place in the index."""
_STAMP_US_MAX: Final = 2**63

_Sender = tuple[str, int, bool, Literal["rx", "tx"]]


class Held:
    """Frames in the order in which they were kept; ``mib_max``: all that they may take."""

    def __init__(self, mib_max: int = HELD_MIB) -> None:
        self.whole = True
        """Every frame is held; else none is."""
        self._bytes_left = mib_max * _MIB
        self._forget()

    def _forget(self) -> None:
        self._stamps_us = array("q")
        self._senders = array("I")
        self._sizes = bytearray()
        self._data = bytearray()
        self._index: dict[_Sender, int] = {}

    def keep(self, frame: LoggedFrame) -> None:
        """Hold one more frame, or no frame any longer."""
        if not self.whole:
            return
        t_us, bus, can_id, ext, data, direction = frame
        sender = (bus, can_id, ext, direction)
        index = self._index.get(sender)
        if index is None:
            index = self._index[sender] = len(self._index)
            self._bytes_left -= _SENDER_BYTES
        self._bytes_left -= _COLUMNS_BYTES + len(data)
        if self._bytes_left < 0 or not -_STAMP_US_MAX <= t_us < _STAMP_US_MAX:
            self.whole = False
            self._forget()
            return
        self._stamps_us.append(t_us)
        self._senders.append(index)
        self._sizes.append(len(data))
        self._data += data

    def frames(self) -> Iterator[LoggedFrame]:
        """What was kept, as it was. Empty if not ``whole``."""
        senders, data, at = list(self._index), memoryview(self._data), 0
        for t_us, index, size in zip(self._stamps_us, self._senders, self._sizes, strict=True):
            bus, can_id, ext, direction = senders[index]
            yield LoggedFrame(t_us, bus, can_id, ext, bytes(data[at : at + size]), direction)
            at += size
