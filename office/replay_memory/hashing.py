"""The keyed words of one week: hashes that only its key can make again, values that it opens.

With the key both are gone: what is left is noise. Whoever holds the file holds its keys, and can
ask whether a name that they know is in it; they cannot read names out of it.
"""

import hmac
import secrets
from typing import Final, NamedTuple

import msgspec

from telemetry.identity import MASK

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class WeekKey(NamedTuple):
    """A week's key, by the id under which its rows stand."""

    id: str
    week: int
    key: bytes

    def hashed(self, kind: str, name: str) -> bytes:
        """HMAC-SHA256 over kind and name, as JSON: joined, two names could read alike."""
        return hmac.digest(self.key, msgspec.json.encode((kind, str(name))), "sha256")

    def sealed(self, value: bytes) -> bytes:
        """AES-256-GCM under a fresh random nonce, which stands before it."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # heavy; most seal nothing

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._sealing).encrypt(nonce, value, b"")

    def opened(self, sealed: bytes) -> bytes:
        """The value; cryptography.exceptions.InvalidTag if anything of it was changed."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # as above

        nonce, value = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return AESGCM(self._sealing).decrypt(nonce, value, b"")

    @property
    def _sealing(self) -> bytes:
        return hmac.digest(self.key, b"roadfade seal", "sha256")

    def __repr__(self) -> str:
        return f"WeekKey({self.id}, {self.week}, {MASK})"


def new_key(week: int) -> WeekKey:
    """A random key of a week."""
    return WeekKey(secrets.token_hex(8), week, secrets.token_bytes(KEY_BYTES))
