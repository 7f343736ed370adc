"""A part's seal: a digest over all its bytes, kept in its own footer.

Parquet pages need not carry checksums, and without one a flipped bit of an uncompressed value
reads as another value. A part is written with zeros in the seal's place; then the digest is put
there: SHA-256 (FIPS 180-4), the first 128 bits, of the file with those zeros. Parts that an older
version wrote have no seal: nothing says whether they are as they were written.
"""

import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

SEAL_KEY: Final = "roadfade.sha256"
_DIGITS: Final = 32
NO_SEAL: Final = "0" * _DIGITS
"""What leaves room for the seal."""
# Thrift's compact protocol (parquet.thrift, KeyValue): field 2, a string of so many bytes.
_IN_FOOTER: Final = re.compile(
    re.escape(SEAL_KEY.encode() + bytes([0x18, _DIGITS])) + rb"(.{%d})" % _DIGITS, re.DOTALL
)
_TAIL_BYTES: Final = 8
"""The footer's length, four bytes little-endian, and the magic number."""
_CHUNK_BYTES: Final = 1 << 20
_NO_ROOM: Final = "this part was written without room for a seal"


def seal(path: Path) -> None:
    """Put the seal into a new part; not yet durable on return. ValueError if it has no room."""
    with path.open("r+b") as stream:
        found = _place(stream)
        if found is None:
            raise ValueError(_NO_ROOM)
        place, _ = found
        digest = _digest(stream, place)
        stream.seek(place)
        stream.write(digest)


def sealed(content: bytes) -> bytes:
    """The same for a part that is not in a file yet."""
    stream = BytesIO(content)
    found = _place(stream)
    if found is None:
        raise ValueError(_NO_ROOM)
    place, _ = found
    digest = _digest(stream, place)
    return content[:place] + digest + content[place + _DIGITS :]


def seal_in(content: bytes) -> str:
    """The seal in a part's bytes; empty if there is none."""
    found = _place(BytesIO(content))
    return "" if found is None else found[1].decode(errors="replace")


def is_altered(path: Path) -> bool:
    """Whether a part is not what was written, by its seal; False without one. Reads it all.

    False, too, for a file that is gone or has no whole footer: the engine says so itself.
    """
    try:
        # Opened once: a rewritten part may take the name meanwhile.
        with path.open("rb") as stream:
            return _differs(stream)
    except OSError:
        return False


def is_altered_in(content: bytes) -> bool:
    """The same for a part's bytes."""
    return _differs(BytesIO(content))


def _differs(stream: BinaryIO) -> bool:
    found = _place(stream)
    return found is not None and _digest(stream, found[0]) != found[1]


def _place(stream: BinaryIO) -> tuple[int, bytes] | None:
    """Where the seal is in the file, and what it says."""
    size = stream.seek(0, 2)
    if size < _TAIL_BYTES:
        return None
    stream.seek(size - _TAIL_BYTES)
    footer_bytes = int.from_bytes(stream.read(4), "little")
    start = size - _TAIL_BYTES - footer_bytes
    if start < 0:
        return None
    stream.seek(start)
    found = _IN_FOOTER.search(stream.read(footer_bytes))
    return None if found is None else (start + found.start(1), found[1])


def _digest(stream: BinaryIO, place: int) -> bytes:
    digest = sha256()
    stream.seek(0)
    for left in range(place, 0, -_CHUNK_BYTES):
        digest.update(stream.read(min(left, _CHUNK_BYTES)))
    digest.update(NO_SEAL.encode())
    stream.seek(place + _DIGITS)
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()[:_DIGITS].encode()
