"""A BLF whose parts are not what they say gives what is whole and says that the rest is missing."""

import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.logs.capture import Capture
from tests.ingest.captures import own_drive, write

HEADER = 144
OBJECT = 16
CONTAINER = 32
"""Bytes of the headers of a file, an object, a container."""
ZLIB, PLAIN, UNKNOWN = 2, 0, 7


def contents(path: Path) -> tuple[bytes, bytes]:
    """The file's header and the objects of its one container."""
    whole = write(path, own_drive(3)).read_bytes()
    [size] = struct.unpack_from("<L", whole, HEADER + 8)
    assert HEADER + size + size % 4 == len(whole)
    return whole[:HEADER], zlib.decompress(whole[HEADER + CONTAINER : HEADER + size])


def container(method: int, data: bytes, said_bytes: int) -> bytes:
    head = struct.pack("<4sHHLL", b"LOBJ", OBJECT, 1, CONTAINER + len(data), 10)
    whole = head + struct.pack("<H6xL4x", method, said_bytes) + data
    return whole + bytes(len(whole) % 4)


def taken(path: Path, header: bytes, *parts: bytes) -> tuple[list[bytes], bool]:
    """The frames' bytes, and whether the capture says that it is cut or damaged."""
    body = b"".join(parts)
    size = struct.pack("<Q", HEADER + len(body))
    path.write_bytes(header[:16] + size + header[24:] + body)
    capture = Capture(path)
    frames = [frame.data for frame in capture.frames()]
    return frames, capture.counts.truncated


def test_objects_are_read_packed_plain_split_and_without_a_container(tmp_path: Path) -> None:
    path = tmp_path / "drive.blf"
    header, objects = contents(path)
    frames = [bytes(message.data) for message in own_drive(3)]
    size, half = len(objects), len(objects) // 2 + 3
    for parts in (
        [container(ZLIB, zlib.compress(objects), size)],
        [container(PLAIN, objects, size)],
        [container(PLAIN, objects[:half], half), container(PLAIN, objects[half:], size - half)],
        [objects],
    ):
        assert taken(path, header, *parts) == (frames, False)


def flushed(data: bytes) -> bytes:
    packer = zlib.compressobj()
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "a packed container cut at its end": lambda o: container(
        ZLIB, zlib.compress(o)[:-12], len(o)
    ),
    "a packed container cut within": lambda o: container(ZLIB, flushed(o[: len(o) // 2]), len(o)),
    "a plain container cut within": lambda o: container(PLAIN, o[: len(o) // 2], len(o)),
    "an unknown way of packing": lambda o: container(UNKNOWN, zlib.compress(o), len(o)),
    "more said than held": lambda o: container(ZLIB, zlib.compress(o), 2 * len(o)),
    "an object of an unknown version": lambda o: container(PLAIN, o[:6] + b"\x09\0" + o[8:], len(o)),
    "an object longer than its container": lambda o: container(
        PLAIN, o[:8] + b"\0\x10\0\0" + o[12:], len(o)
    ),
    "an object of no length": lambda o: container(PLAIN, o[:8] + bytes(4) + o[12:], len(o)),
    "an object shorter than its frame": lambda o: container(
        PLAIN, o[:8] + b"\x20\0\0\0" + o[12:], len(o)
    ),
    "garbage": lambda o: container(ZLIB, b"\xff" * 60, len(o)),
}  # fmt: skip


@pytest.mark.parametrize("breaks", BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_is_told_and_no_byte_is_made_up(
    tmp_path: Path, breaks: Callable[[bytes], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drive.blf"
    header, objects = contents(path)
    true = [bytes(message.data) for message in own_drive(3)]
    whole = container(ZLIB, zlib.compress(objects), len(objects))
    for parts, least in ([breaks(objects)], 0), ([whole, breaks(objects)], len(true)):
        frames, told = taken(path, header, *parts)
        assert told
        assert len(frames) >= least
        assert set(frames) <= set(true)
    # What follows a container that ends within an object is no part of that object.
    assert set(taken(path, header, breaks(objects), whole)[0]) <= set(true)
    assert capfd.readouterr() == ("", "")


def test_what_is_broken_is_told_though_logging_was_set_up_anew(tmp_path: Path) -> None:
    path = tmp_path / "drive.blf"
    header, objects = contents(path)
    logger, above = logging.getLogger("can.io.blf"), logging.getLogger("can.io")
    level = above.level
    logger.disabled = True  # as a configuration of logging leaves what it does not name
    above.setLevel(logging.CRITICAL)  # as whoever read a text form before leaves it
    try:
        _, told = taken(path, header, BROKEN["an object of an unknown version"](objects))
        assert told
        assert logger.disabled
    finally:
        logger.disabled = False
        above.setLevel(level)
