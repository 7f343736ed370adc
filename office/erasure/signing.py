"""The key that signs receipts: made once, in a file that its owner alone reads.

Blocks for milliseconds. Who has the file can write receipts; who has the public key, check them.
"""

import os
import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from office.errors import OfficeError
from office.keyring.private_lines import OTHERS
from telemetry.identity import MASK

SEED_BYTES: Final = 32


class Signer:
    """Signs with Ed25519 (RFC 8032): the same bytes always get the same signature."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def opened(cls, file: Path) -> Self:
        """The key in this file; made if there is none. OfficeError if others may read it."""
        try:
            if not file.exists():
                _make(file)
            return cls(Ed25519PrivateKey.from_private_bytes(_read(file)))
        except OSError as error:
            msg = f"the key of receipts in {file} cannot be used: {error.strerror}"
            raise OfficeError(msg) from None

    @property
    def public_key(self) -> bytes:
        """What receipts are checked with: 32 bytes, no secret."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(content)

    def __repr__(self) -> str:
        return f"Signer({MASK})"


def _make(file: Path) -> None:
    """Of two processes that make it at once, one's key stays for both."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(Ed25519PrivateKey.generate().private_bytes_raw().hex().encode() + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        if os.fstat(opened.fileno()).st_mode & OTHERS:
            msg = f"{file}: others may read the key of receipts; chmod 600 it"
            raise OfficeError(msg)
        text = opened.read(2 * SEED_BYTES + 2).strip()
    try:
        seed = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        msg = f"{file} holds no key of receipts: put it back from where keys are kept"
        raise OfficeError(msg)
    return seed
