"""Decompression that stops: a few bytes can stand for more than a process has memory for.

In: one compressed batch. Out: its bytes, or UnpackingError. Kafka limits the length of a batch as
it is sent, so that no limit there bounds what a reader must hold.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Final

import cramjam

BATCH_BYTES_MAX: Final = 16 * 1024 * 1024
"""Unpacked; sixteen times what a topic takes of a batch that is not compressed."""
FIRST_GUESS: Final = 256 * 1024
RATIO: Final = 16
XERIAL: Final = b"\x82SNAPPY\x00"
XERIAL_HEADER_BYTES: Final = 16


class UnpackingError(Exception):
    """A batch unpacks to more bytes than allowed, or cannot be unpacked. Never quotes it."""


def unpack_gzip(packed: bytes, limit: int) -> bytes:
    """Unpack a gzip stream of any number of members."""
    unpacked, rest = bytearray(), bytes(packed)
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)
            unpacked += member.decompress(rest, limit - len(unpacked) + 1)
            if len(unpacked) > limit or not member.eof:
                raise UnpackingError
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error:
        raise UnpackingError from None
    return bytes(unpacked)


def unpack_snappy(packed: bytes, limit: int) -> bytes:
    """Unpack a bare block, or the framing of Java's clients; a block tells its length first."""
    whole = memoryview(packed)
    if bytes(whole[: len(XERIAL)]) != XERIAL:
        return _snappy_block(whole, limit)
    unpacked, at = bytearray(), XERIAL_HEADER_BYTES
    while at < len(whole):
        try:
            (length,) = struct.unpack_from("!i", whole, at)
        except struct.error:
            raise UnpackingError from None
        at += 4
        if not 0 < length <= len(whole) - at:
            raise UnpackingError
        unpacked += _snappy_block(whole[at : at + length], limit - len(unpacked))
        at += length
    return bytes(unpacked)


def _snappy_block(block: memoryview, limit: int) -> bytes:
    try:
        if cramjam.snappy.decompress_raw_len(block) > limit:
            raise UnpackingError
        return bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError:
        raise UnpackingError from None


def unpack_lz4(packed: bytes, limit: int) -> bytes:
    """Unpack LZ4 frames."""
    return _into_a_buffer(cramjam.lz4.decompress_into, packed, limit)


def unpack_zstd(packed: bytes, limit: int) -> bytes:
    """Unpack Zstandard frames."""
    return _into_a_buffer(cramjam.zstd.decompress_into, packed, limit)


def _into_a_buffer(
    decompress_into: Callable[[bytes, bytearray], int], packed: bytes, limit: int
) -> bytes:
    """Into a buffer that grows up to the limit: what does not fit is never written anywhere."""
    size = min(max(FIRST_GUESS, RATIO * len(packed)), limit)
    while True:
        buffer = bytearray(size)
        try:
            length = decompress_into(packed, buffer)
        except cramjam.DecompressionError:
            if size == limit:
                raise UnpackingError from None
            size = min(4 * size, limit)
        else:
            return bytes(memoryview(buffer)[:length])
