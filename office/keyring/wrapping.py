"""Wrapping an epoch key under a KEK: AES-256-GCM, bound to the key's name. Pure but for chance."""

import secrets
from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from office.keyring.kek import Kek
from telemetry.identity import MASK, EpochKey

NONCE_BYTES: Final = 12
"""NIST SP 800-38D §8.2: 96 bits. Random, so a KEK wraps far fewer than 2**32 keys (§8.3)."""

KeyName = tuple[str, str, str]
"""(purpose, recipient, epoch)."""


class Wrapped(NamedTuple):
    """A key as it lies in the file. Opens only under its KEK and its own name."""

    kek: str
    nonce: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return f"Wrapped({MASK})"


def wrap(key: EpochKey, name: KeyName, kek: Kek) -> Wrapped:
    """Encrypt under a fresh random nonce."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Wrapped(kek.id, nonce, AESGCM(kek).encrypt(nonce, key, _bound_to(name)))


def unwrap(wrapped: Wrapped, name: KeyName, kek: Kek) -> EpochKey:
    """Decrypt; cryptography.exceptions.InvalidTag if anything was changed or moved."""
    return EpochKey(AESGCM(kek).decrypt(wrapped.nonce, wrapped.wrapped, _bound_to(name)))


def _bound_to(name: KeyName) -> bytes:
    # JSON, because joining with a separator would let two names read alike.
    return msgspec.json.encode(name)
