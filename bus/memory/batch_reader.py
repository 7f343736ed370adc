"""The records of a ready batch, as a broker's consumers would have them.

In: a ``ReadyBatch``. Out: its records, or ValueError. It knows Kafka's protocol guide ("Record
Batch", "Record") and nothing of what writes batches, so that each is a check of the other.
"""

import struct
from collections.abc import Iterator
from typing import Final

import cramjam

from bus.ports import BATCH_BYTES_MAX
from bus.records import Outgoing, ReadyBatch

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_LENGTH_FROM: Final = 12
_MAGIC: Final = 2
_NO_COMPRESSION: Final = 0
_ZSTD: Final = 4
_VARINT_BITS_MAX: Final = 63


def records_of(batch: ReadyBatch) -> list[Outgoing]:
    """Every record, in order; ValueError if it is not one whole batch of that many records."""
    try:
        header = _HEADER.unpack_from(batch.data)
    except struct.error:
        msg = "a ready batch is shorter than its header"
        raise ValueError(msg) from None
    _, length, _, magic, _, attributes, last, *_, count = header
    expected = (len(batch.data) - _LENGTH_FROM, _MAGIC, batch.records - 1, batch.records)
    if (length, magic, last, count) != expected or count < 1:
        msg = "a ready batch is not what its header says"
        raise ValueError(msg)
    at = _Cursor(_unpacked(memoryview(batch.data)[_HEADER.size :], attributes))
    records = [_record(at.part(at.varint()), batch, number) for number in range(count)]
    at.end()
    return records


def _unpacked(records: memoryview, attributes: int) -> bytes:
    if attributes == _NO_COMPRESSION:
        return bytes(records)
    if attributes != _ZSTD:
        msg = "a ready batch is compressed in another way than Zstandard"
        raise ValueError(msg)
    room = bytearray(BATCH_BYTES_MAX)
    try:
        length = cramjam.zstd.decompress_into(bytes(records), room)
    except cramjam.DecompressionError:
        msg = "a ready batch cannot be unpacked, or not into what a topic takes"
        raise ValueError(msg) from None
    return bytes(memoryview(room)[:length])


def _record(at: "_Cursor", batch: ReadyBatch, number: int) -> Outgoing:
    attributes, delta_ms, offset = at.part(1).rest(), at.varint(), at.varint()
    if (attributes, delta_ms, offset) != (b"\0", 0, number):
        msg = "a record of a ready batch is dated or numbered otherwise than the batch"
        raise ValueError(msg)
    key, value = at.bytes_or_none(), at.bytes_or_none()
    headers = list(_headers(at))
    at.end()
    return Outgoing(batch.topic, batch.partition, key, value, headers)


def _headers(at: "_Cursor") -> Iterator[tuple[str, bytes]]:
    for _ in range(at.varint()):
        name, value = at.bytes_or_none(), at.bytes_or_none()
        yield (name or b"").decode(), value or b""


class _Cursor:
    """Reads on in some bytes; ValueError beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def rest(self) -> bytes:
        """What is left."""
        return self._data[self._at :]

    def end(self) -> None:
        """There must be nothing left."""
        if self._at != len(self._data):
            msg = "bytes of a ready batch belong to no record"
            raise ValueError(msg)

    def part(self, length: int) -> "_Cursor":
        """The next bytes, to be read by themselves."""
        found = self._data[self._at : self._at + length] if length >= 0 else b""
        if len(found) != length:
            msg = "a ready batch ends within a record"
            raise ValueError(msg)
        self._at += length
        return _Cursor(found)

    def varint(self) -> int:
        """A number in zigzag, seven bits a byte."""
        number = shift = 0
        while True:
            (byte,) = self.part(1).rest()
            number |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return (number >> 1) ^ -(number & 1)
            if shift > _VARINT_BITS_MAX:
                msg = "a number in a ready batch does not end"
                raise ValueError(msg)

    def bytes_or_none(self) -> bytes | None:
        """Bytes behind their length; -1 stands for none."""
        length = self.varint()
        return None if length == -1 else self.part(length).rest()
