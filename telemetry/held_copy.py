"""A file of held rows as it lies on the disk: what is open in it, and what is sealed. Pure.

In: a header, a digest of each row, sealed bytes. Out: the bytes of a file, and back. Open are the
hold's random command, the output, how many rows there are, when they were copied and keyed digests
of them, by which a store knows what it has copied; no identifier and no value. The last 32 bytes
are the SHA-256 of all before: a file that was damaged or cut is none.

The rows are sealed by HPKE, RFC 9180: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 (RFC
5869), AES-256-GCM. Each file has an ephemeral key, and so a content key, of its own. ``bound_to``
goes into ``info``, so that a body opens under its own header and digests alone.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from telemetry.instants import is_instant

MAGIC: Final = b"roadfade held copy 1\n"
DIGEST_BYTES: Final = 16
ROWS_MAX: Final = 20_000
"""Rows in one file."""
FILE_BYTES_MAX: Final = 512 * 1024 * 1024
SUFFIX: Final = ".held"
FILE_NAME: Final = re.compile(r"[0-9a-f]{32}\.held")
_CHECK_BYTES: Final = 32
_HEADER_BYTES_MAX: Final = 2_000
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")


class HeldHeader(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What anybody may read of a file."""

    command: str
    output: str
    rows: Annotated[int, Meta(ge=1, le=ROWS_MAX)]
    copied_ms: int
    """When, by the store's clock; milliseconds UTC."""


class HeldCopy(NamedTuple):
    """A whole file."""

    header: HeldHeader
    digests: tuple[bytes, ...]
    """Of each row, in the order of the rows."""
    sealed: bytes

    @property
    def bound_to(self) -> bytes:
        """What the sealed bytes belong to."""
        return bound_to(self.header, self.digests)


def row_digest(key: str, row: Sequence[object], number: int) -> bytes:
    """Of a row, the ``number``-th from 0 of its equals; keyed BLAKE2b, 128 bits.

    Without the random key and the row's record id, which is a keyed hash itself, nobody can try
    rows against it.
    """
    words = msgspec.json.encode([*row, number])
    return hashlib.blake2b(words, key=key.encode(), digest_size=DIGEST_BYTES).digest()


def bound_to(header: HeldHeader, digests: Sequence[bytes]) -> bytes:
    """The ``info`` under which a body is sealed."""
    opened = hashlib.sha256(_opened(header, digests)).digest()
    return b"roadfade held copy 1\0" + header.command.encode() + b"\0" + opened


def framed(header: HeldHeader, digests: Sequence[bytes], sealed: bytes) -> bytes:
    """The bytes of a file."""
    content = _opened(header, digests) + sealed
    return content + hashlib.sha256(content).digest()


def unframed(content: bytes) -> HeldCopy | None:
    """The file's parts; None if it is not whole."""
    body, check = content[:-_CHECK_BYTES], content[-_CHECK_BYTES:]
    if not body.startswith(MAGIC) or hashlib.sha256(body).digest() != check:
        return None
    begin = len(MAGIC)
    end = body.find(b"\n", begin, begin + _HEADER_BYTES_MAX)
    try:
        header = msgspec.json.decode(body[begin : max(begin, end)], type=HeldHeader)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    begin, end = end + 1, end + 1 + header.rows * DIGEST_BYTES
    if end > len(body) or not _ID.fullmatch(header.command) or not is_instant(header.copied_ms):
        return None
    digests = tuple(body[at : at + DIGEST_BYTES] for at in range(begin, end, DIGEST_BYTES))
    return HeldCopy(header, digests, body[end:])


def _opened(header: HeldHeader, digests: Sequence[bytes]) -> bytes:
    return MAGIC + msgspec.json.encode(header) + b"\n" + b"".join(digests)
