"""What a sender writes into a whole record batch: its time, its producer, and the checksum.

In: a batch of version 2 without them. Out: a copy with them. The core does it where it is built,
faster than what aiokafka brings; this is the only file of this room that imports it.
Source: Kafka's protocol guide, "Record Batch".
"""

import struct
from typing import Final, NamedTuple

from aiokafka.record.util import calc_crc32c

INTERFACE: Final = 5
"""The core that this code was written for; any other is not asked."""
try:
    import roadfade_core
except ImportError:
    HAS_CORE = False
else:
    HAS_CORE = roadfade_core.INTERFACE == INTERFACE

HEADER_BYTES: Final = 61
LENGTH_FROM: Final = 12
"""What a batch's length does not count: its base offset, and the length."""
MAGIC: Final = 2
_LENGTH: Final = struct.Struct(">8xi4xb")
_COUNT: Final = struct.Struct(">57xi")
_SENDER: Final = struct.Struct(">qqqhi")
_SENDER_AT: Final = 27
_CRC: Final = struct.Struct(">I")
_CRC_AT: Final = 17
_CRC_FROM: Final = 21


class Sender(NamedTuple):
    """``timestamp_ms`` is milliseconds UTC; the rest -1 for a producer that is not idempotent."""

    timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int


def records_of(batch: bytes) -> int:
    """How many records a batch says it has; ValueError if it is not one whole batch."""
    if len(batch) < HEADER_BYTES:
        msg = "a ready batch is shorter than its header"
        raise ValueError(msg)
    length, magic = _LENGTH.unpack_from(batch)
    if magic != MAGIC or length != len(batch) - LENGTH_FROM:
        msg = "a ready batch is no batch of version 2, or not all of it"
        raise ValueError(msg)
    (count,) = _COUNT.unpack_from(batch)
    return int(count)


def seal(batch: bytes, sender: Sender) -> bytes:
    """The batch with its sender and its checksum, in place of any that it had."""
    if HAS_CORE:
        return roadfade_core.seal(batch, **sender._asdict())
    return seal_slowly(batch, sender)


def seal_slowly(batch: bytes, sender: Sender) -> bytes:
    """The same without the core."""
    sealed = bytearray(batch)
    timestamp_ms, *producer = sender
    _SENDER.pack_into(sealed, _SENDER_AT, timestamp_ms, timestamp_ms, *producer)
    checksum = calc_crc32c(memoryview(sealed)[_CRC_FROM:])
    _CRC.pack_into(sealed, _CRC_AT, checksum)
    return bytes(sealed)
