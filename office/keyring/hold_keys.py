"""The keys of legal holds: a private key in the keyring for each command of one.

An X25519 private key is 32 random bytes (RFC 7748 §5), as an epoch key is, so that it lies in the
same table: a destruction rewraps it, and its own destruction scrubs it. No purpose has a name like
theirs.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from office.keyring.wrapping import KeyName
from telemetry.identity import EpochKey

_PURPOSE: Final = "~hold"
_KIND: Final = "x25519"


def name_of(command: str) -> KeyName:
    """Under which a command's key lies in the keyring."""
    return _PURPOSE, command, _KIND


def is_of_hold(name: KeyName) -> bool:
    """Whether a key is a hold's, and no epoch's."""
    return name[0] == _PURPOSE


def private_key(key: EpochKey) -> X25519PrivateKey:
    """The key that opens what was sealed for it."""
    return X25519PrivateKey.from_private_bytes(key)


def public_key(key: EpochKey) -> str:
    """What a store is given: 64 hexadecimal digits."""
    return private_key(key).public_key().public_bytes_raw().hex()
