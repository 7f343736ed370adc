"""A sealed envelope as it lies on the raw topic: what is open of it, and what opens the rest. Pure.

In: the bytes of an envelope, a content key, a nonce. Out: sealed bytes, and back, or why not.

    magic            4   ``RFS1``: no JSON begins so
    period number    4   floor(seconds UTC / length of the period)
    period length    4   seconds
    key id           8   of the period's public key: SHA-256, its first bytes
    wrapped key     80   the content key, for that public key
    nonce           12
    ciphertext       n   AES-256-GCM of the padded content, and its tag of 16 bytes

Numbers are big-endian. All before the ciphertext is bound to it. The content key is wrapped by
HPKE, RFC 9180: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with the first 20
bytes as ``info``. The content is the envelope's length, the length of its LZ4 block (four
bytes each), the block, and zeros up to the size class: whoever reads the topic learns the class.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

import cramjam
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from telemetry.identity import MASK
from telemetry.periods import Period
from telemetry.wire.envelope import ENVELOPE_BYTES_MAX

MAGIC: Final = b"RFS1"
CONTENT_KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID_BYTES: Final = 8
SEALED_BYTES_MAX: Final = 1_000_000
"""Below a topic's ``max.message.bytes`` with room for the record around it."""
RECORDS_PER_KEY_MAX: Final = 2**32
"""NIST SP 800-38D §8.3 has it for random nonces; ours count, and so never repeat under a key."""
CLASS_BYTES_MIN: Final = 256
CLASSES_PER_DOUBLING: Final = 8

_HEAD: Final = struct.Struct(f">4sII{KEY_ID_BYTES}s")
_WRAPPED_BYTES: Final = 32 + CONTENT_KEY_BYTES + 16
_NONCE_AT: Final = _HEAD.size + _WRAPPED_BYTES
HEADER_BYTES: Final = _NONCE_AT + NONCE_BYTES
_TAG_BYTES: Final = 16
_LENGTHS: Final = struct.Struct(">II")
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class NotOpened(StrEnum):
    """Why there is no envelope. Closed."""

    NOT_SEALED = "not_sealed"
    MALFORMED = "malformed"
    """It begins as if it were sealed, and has not its shape."""
    NO_KEY = "no_key"
    """The period's key is destroyed."""
    FOREIGN_KEY = "foreign_key"
    """It was sealed for a key that is none of ours: another one, or one that was never made."""
    DOES_NOT_OPEN = "does_not_open"
    """Something of it was changed, or it was sealed for another key."""
    OVERSIZED = "oversized"
    """It opens, and the envelope is longer than one may be."""


class Header(NamedTuple):
    """What is open of a sealed record."""

    period: Period
    key_id: bytes
    wrapped: bytes
    """With all before it: nothing else opens with the same content key."""
    nonce: bytes


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A content key and how it is told to whoever may open; ``repr`` hides it."""

    opened: bytes
    """The header but for the nonce."""
    cipher: AESGCM = field(repr=False)

    def __repr__(self) -> str:
        return f"ContentKey({MASK})"


def key_id(public_key: bytes) -> bytes:
    """By which a period's key is told from another one for the same period."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def size_class(length: int) -> int:
    """To what a content of this length is padded: eight classes for each doubling.

    So at most an eighth is added, but to what is shorter than the least class.
    """
    if length <= CLASS_BYTES_MIN:
        return CLASS_BYTES_MIN
    step = (1 << (length - 1).bit_length() - 1) // CLASSES_PER_DOUBLING
    return -(-length // step) * step


def content_key(period: Period, public_key: bytes, chance: bytes) -> ContentKey:
    """A content key of 32 random bytes, wrapped for a period's public key (32 bytes)."""
    head = _HEAD.pack(MAGIC, period.number, period.length_s, key_id(public_key))
    wrapped = _SUITE.encrypt(chance, X25519PublicKey.from_public_bytes(public_key), head)
    return ContentKey(head + wrapped, AESGCM(chance))


def sealed(envelope: bytes, key: ContentKey, nonce: bytes) -> bytes:
    """The sealed record; the nonce is never to be used again with this key.

    ValueError if it would not fit the topic.
    """
    # Not Zstandard: that gains a quarter, and takes five times as long, for each envelope alone.
    block = bytes(cramjam.lz4.compress_block(envelope, store_size=False))
    content = _LENGTHS.pack(len(envelope), len(block)) + block
    size = size_class(len(content))
    if HEADER_BYTES + size + _TAG_BYTES > SEALED_BYTES_MAX:
        msg = f"an envelope of {len(envelope):,} bytes does not fit the topic once it is sealed"
        raise ValueError(msg)
    header = key.opened + nonce
    return header + key.cipher.encrypt(nonce, content.ljust(size, b"\0"), header)


def header_of(value: bytes) -> Header | NotOpened:
    """What is open of a raw record, or why it is none that was sealed."""
    if not value.startswith(MAGIC):
        return NotOpened.NOT_SEALED
    if not HEADER_BYTES + CLASS_BYTES_MIN + _TAG_BYTES <= len(value) <= SEALED_BYTES_MAX:
        return NotOpened.MALFORMED
    _, number, length_s, id_ = _HEAD.unpack_from(value)
    if length_s == 0:
        return NotOpened.MALFORMED
    return Header(Period(number, length_s), id_, value[:_NONCE_AT], value[_NONCE_AT:HEADER_BYTES])


def cipher_of(header: Header, private_key: bytes) -> AESGCM | NotOpened:
    """The content key of a record, by its period's private key (X25519, 32 bytes)."""
    key = X25519PrivateKey.from_private_bytes(private_key)
    if key_id(key.public_key().public_bytes_raw()) != header.key_id:
        return NotOpened.FOREIGN_KEY
    head, wrapped = header.wrapped[: _HEAD.size], header.wrapped[_HEAD.size :]
    try:
        plain = _SUITE.decrypt(wrapped, key, head)
    except (InvalidTag, ValueError):
        return NotOpened.DOES_NOT_OPEN
    return AESGCM(plain) if len(plain) == CONTENT_KEY_BYTES else NotOpened.DOES_NOT_OPEN


def opened(value: bytes, header: Header, cipher: AESGCM) -> bytes | NotOpened:
    """The envelope in a record. Never longer than an envelope may be, whatever it unpacks to."""
    try:
        content = cipher.decrypt(header.nonce, value[HEADER_BYTES:], value[:HEADER_BYTES])
    except InvalidTag:
        return NotOpened.DOES_NOT_OPEN
    length, packed = _LENGTHS.unpack_from(content)
    if length > ENVELOPE_BYTES_MAX:
        return NotOpened.OVERSIZED
    block = content[_LENGTHS.size : _LENGTHS.size + packed]
    # As long as it says: a block that goes on does not fit, and is not unpacked further.
    buffer = bytearray(length)
    try:
        written = cramjam.lz4.decompress_block_into(block, buffer)
    except cramjam.DecompressionError:
        return NotOpened.MALFORMED
    return bytes(buffer) if written == length else NotOpened.MALFORMED
