"""Bearer tokens: JSON Web Tokens (RFC 7519) that somebody else signs, with a key of a JWKS file.

In: the file and a token. Out: the device that it names, or None. Signatures of ES256 and Ed25519
alone; a token has to end, and to be meant for this gateway. The file is read again as it changes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ingest.gateway.ports import Peer
from telemetry.identity import DeviceId

ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519")
PRIVATE_TYPES: Final = "oct"
"""A secret that two share is no key by which one of them can be known."""
TOKEN_CHARS_MAX: Final = 4_096
DEVICE_CHARS_MAX: Final = 64
UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, RecursionError, OSError)


class JwksTokens:
    """Tokens under the keys of one file; without a readable file none is good."""

    def __init__(self, file: Path, audience: str, seconds: Callable[[], float]) -> None:
        self._file = file
        self._seconds = seconds
        self._claims = jwt.JWTClaimsRegistry(
            lambda: int(seconds()),
            exp={"essential": True},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
        )
        self._read_as: tuple[int, int] | None = None
        self._keys: KeySet | None = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it is another; whether there are keys."""
        try:
            found = self._file.stat()
            read_as = found.st_mtime_ns, found.st_size
            if read_as != self._read_as:
                self._keys = _keys_of(self._file.read_bytes())
                self._read_as = read_as
        except UNREADABLE:
            self._keys = self._read_as = None
        return self._keys is not None

    def peer_of(self, token: str) -> Peer | None:
        """Whose token it is; None if it is not good now."""
        if self._keys is None or len(token) > TOKEN_CHARS_MAX:
            return None
        try:
            claims = jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            self._claims.validate(claims)
        except UNREADABLE:
            return None
        device = claims["sub"]
        named = isinstance(device, str) and 0 < len(device) <= DEVICE_CHARS_MAX
        return Peer(DeviceId(device), 0) if named else None


def _keys_of(text: bytes) -> KeySet:
    said: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    if not said["keys"] or any(one["kty"] == PRIVATE_TYPES for one in said["keys"]):
        msg = "no keys, or a shared secret among them"
        raise ValueError(msg)
    return KeySet.import_key_set(said)  # type: ignore[arg-type]  # checked by the library
