"""Does a binary capture end where it says that it ends? A logger that loses power leaves it cut.

In: a file. Out: whether it ends early, or was never finished so that nobody can say. Reads block
headers, and of an MF4 that was never finished its records.
"""

import os
import struct
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

_BLF_HEADER: Final = struct.Struct("<4sL")
_BLF_OBJECT: Final = struct.Struct("<4sHHLL")
_BLOCK: Final = struct.Struct("<4sxxxxQQ")
"""ASAM MDF 4.1, every block: id, reserved, length, number of links."""
_CHANNEL: Final = struct.Struct("<BxxBLLLL")
"""ASAM MDF 4.1, CNBLOCK: type, first bit, first byte, length in bits, flags, invalidation bit."""
_HAS_INVALID_BIT: Final = 0x2
_VIRTUAL: Final = frozenset({3, 6})
"""CNBLOCK, cn_type: channels that count records and lie in none."""
_ID_BYTES: Final = 64
_UNFINISHED: Final = b"UnFinMF "
_UNFINISHED_FLAGS: Final = slice(60, 64)
"""ASAM MDF 4.1, IDBLOCK: what the writer of the file has left to do, in bits."""
_LINKS_MAX: Final = 1_000_000
"""More blocks or links than this are a loop or garbage."""
_DEPTH_MAX: Final = 8
_RECORDS_AHEAD: Final = 1 << 20


def blf_ends_early(path: Path, said_bytes: int) -> bool:
    """``said_bytes``: the size in the file's own header, which is written when it is closed."""
    size = path.stat().st_size
    if size != said_bytes:
        return True
    with path.open("rb") as file:
        _, at = _BLF_HEADER.unpack(file.read(_BLF_HEADER.size))
        while at < size:
            file.seek(at)
            header = file.read(_BLF_OBJECT.size)
            if len(header) < _BLF_OBJECT.size:
                return True
            mark, _, _, length, _ = _BLF_OBJECT.unpack(header)
            if mark != b"LOBJ" or length < _BLF_OBJECT.size or at + length > size:
                return True
            at += length + length % 4
    return False


class _Block(NamedTuple):
    at: int
    kind: bytes
    length: int
    links: tuple[int, ...]
    body: int
    """Where its data begins."""


class _EarlyError(Exception):
    """A block that lies beyond the end of the file, wholly or in part."""


class _Records(NamedTuple):
    """The groups of one data group."""

    id_bytes: int
    sizes: dict[int, int | None]
    """By record id; None: the record carries its own length (VLSD)."""
    whole_bytes: int | None
    """All records by the cycle counters; None if they cannot say."""
    own_data: tuple[int, ...]
    """Where channels keep long values of their own."""


class End(Enum):
    """How a capture ends."""

    WHOLE = auto()
    CUT = auto()
    """Some of its data are missing."""
    HEADLESS = auto()
    """It ends before its data begin, or what describes them is missing."""


def mf4_unfinished(path: Path) -> bool:
    """Whether its logger never finished it: then nothing in it says how much it should hold."""
    with path.open("rb") as file:
        head = file.read(_ID_BYTES)
    return head.startswith(_UNFINISHED) or any(head[_UNFINISHED_FLAGS])


def mf4_end(path: Path) -> End:
    """By block lengths and cycle counters against the file; by records if it was never finished."""
    size, unfinished = path.stat().st_size, mf4_unfinished(path)
    with path.open("rb") as file:
        try:
            groups = list(_chain(file, size, _block(file, size, _ID_BYTES).links[0]))
            records = [_records(file, size, group) for group in groups]
        except (_EarlyError, IndexError, struct.error):
            return End.HEADLESS
        if unfinished and any(group.links[2] > size for group in groups):
            return End.HEADLESS
        try:
            for group, its in zip(groups, records, strict=True):
                if _data_end_early(file, size, group.links[2], its, unfinished=unfinished):
                    return End.CUT
        except (_EarlyError, IndexError):
            return End.CUT
    return End.WHOLE


def _data_end_early(
    file: BinaryIO, size: int, data: int, records: _Records, *, unfinished: bool
) -> bool:
    for own in records.own_data:
        list(_data_blocks(file, size, own))
    if not data:
        return bool(records.whole_bytes) and not unfinished
    parts = list(_data_blocks(file, size, data))
    if not unfinished:
        held = sum(_held_bytes(file, part) for part in parts)
        return records.whole_bytes is not None and held < records.whole_bytes
    last = parts[-1] if parts else None
    if last is None or last.kind != b"##DT" or last.length > _BLOCK.size:
        return False
    return _records_end_early(file, last.body, size, records)


def _records(file: BinaryIO, size: int, group: _Block) -> _Records:
    file.seek(group.body)
    id_bytes = file.read(1)[0]
    sizes: dict[int, int | None] = {}
    whole: int | None = 0
    own_data: list[int] = []
    for one in _chain(file, size, group.links[1]):
        file.seek(one.body)
        number, cycles, flags, _, _, data, invalid = struct.unpack("<QQHHIII", file.read(32))
        own = bool(flags & 1)
        sizes[number] = None if own else data + invalid
        for channel in _channels(file, size, one.links[1]):
            if not _fits(file, channel, data, invalid):
                raise _EarlyError
            if channel.links[5]:
                own_data.append(channel.links[5])
        whole = None if own or whole is None else whole + cycles * (id_bytes + data + invalid)
    return _Records(id_bytes, sizes, whole, tuple(own_data))


def _channels(file: BinaryIO, size: int, first: int, depth: int = 0) -> Iterator[_Block]:
    """These channels and those they are composed of."""
    for channel in _chain(file, size, first):
        yield channel
        parts = channel.links[1]
        if parts and depth < _DEPTH_MAX and _block(file, size, parts).kind == channel.kind:
            yield from _channels(file, size, parts, depth + 1)


def _fits(file: BinaryIO, channel: _Block, data: int, invalid: int) -> bool:
    """Whether a channel lies within its record: asammdf would read past it, and the process die."""
    file.seek(channel.body)
    kind, first_bit, first_byte, bits, flags, invalid_at = _CHANNEL.unpack(file.read(_CHANNEL.size))
    marked = flags & _HAS_INVALID_BIT and invalid_at >= 8 * invalid
    return kind in _VIRTUAL or (8 * first_byte + first_bit + bits <= 8 * data and not marked)


def _records_end_early(file: BinaryIO, start: int, size: int, records: _Records) -> bool:
    """Walk the records up to the end of the file and see if the last one fits."""
    at, kept, kept_at = start, b"", start
    while at < size:
        offset = at - kept_at
        if offset + records.id_bytes + 4 > len(kept):
            file.seek(at)
            kept, kept_at, offset = file.read(_RECORDS_AHEAD), at, 0
        number = int.from_bytes(kept[offset : offset + records.id_bytes], "little")
        if number not in records.sizes:
            return True
        length = records.sizes[number]
        at += records.id_bytes
        if length is None:
            offset += records.id_bytes
            length = 4 + int.from_bytes(kept[offset : offset + 4], "little")
        at += length
    return at > size


def _data_blocks(file: BinaryIO, size: int, at: int) -> Iterator[_Block]:
    block = _block(file, size, at)
    if block.kind == b"##HL":
        block = _block(file, size, block.links[0])
    if block.kind != b"##DL":
        yield block
        return
    for one in _chain(file, size, block.at):
        for link in one.links[1:]:
            if link:
                yield _block(file, size, link)


def _held_bytes(file: BinaryIO, part: _Block) -> int:
    if part.kind != b"##DZ":
        return part.length - _BLOCK.size
    file.seek(part.body + 8)
    return int.from_bytes(file.read(8), "little")


def _chain(file: BinaryIO, size: int, at: int) -> Iterator[_Block]:
    """The blocks that follow one another by their first link."""
    for _ in range(_LINKS_MAX):
        if not at:
            return
        block = _block(file, size, at)
        yield block
        at = block.links[0]
    raise _EarlyError


def _block(file: BinaryIO, size: int, at: int) -> _Block:
    if at + _BLOCK.size > size:
        raise _EarlyError
    file.seek(at, os.SEEK_SET)
    kind, length, count = _BLOCK.unpack(file.read(_BLOCK.size))
    if not kind.startswith(b"##") or count > _LINKS_MAX or at + max(length, _BLOCK.size) > size:
        raise _EarlyError
    links = file.read(8 * count)
    if len(links) < 8 * count:
        raise _EarlyError
    body = at + _BLOCK.size + 8 * count
    return _Block(at, kind, length, struct.unpack(f"<{count}Q", links), body)
