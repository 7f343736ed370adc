"""The key encryption key (KEK): what holders of it obey, and those in a file or the environment.

A holder may hold more than one KEK while keys are being rewrapped; each is known by a
check value that does not reveal it. KEKs enter no log, no database and no backup.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from office.errors import OfficeError
from office.keyring.private_lines import PrivateLines
from telemetry.identity import MASK

KEK_BYTES: Final = 32


class Kek(bytes):
    """A key encryption key; prints as a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Kek({MASK})"

    # bytes prints its value in a format string even if repr is masked.
    __str__ = __repr__

    @property
    def id(self) -> str:
        """64 bits of HMAC-SHA256 under the key: tells KEKs apart, reveals nothing of them."""
        return hmac.digest(self, b"roadfade kek id", "sha256")[:8].hex()


class KekHolder(Protocol):
    """Where KEKs live. Calls block, and come one at a time (under the keyring's write lock)."""

    def load(self) -> dict[str, Kek]:
        """Every KEK held, by id; none at all before ``add``."""
        ...

    def add(self) -> Kek:
        """A new KEK, held durably beside the others when this returns."""
        ...

    def keep_only(self, kek_id: str) -> None:
        """Destroy every other KEK."""
        ...


class FileKek:
    """KEKs in a file of mode 0600, one a line, base64."""

    def __init__(self, file: Path) -> None:
        self._lines = PrivateLines(file, "the key encryption key")

    def load(self) -> dict[str, Kek]:
        """Every KEK in the file; OfficeError if others may read it, or it is damaged."""
        return by_id(parsed(line, str(self._lines.file)) for line in self._lines.read())

    def add(self) -> Kek:
        """Write a random KEK into the file, creating it."""
        fresh = Kek(secrets.token_bytes(KEK_BYTES))
        self._replace({**self.load(), fresh.id: fresh})
        return fresh

    def keep_only(self, kek_id: str) -> None:
        """Rewrite the file without the others, and overwrite what it was; KeyError if not held."""
        held = self.load()
        if set(held) != {kek_id}:
            self._replace({kek_id: held[kek_id]})

    def _replace(self, keks: Mapping[str, Kek]) -> None:
        self._lines.replace([base64.b64encode(kek) for kek in keks.values()])


class EnvironmentKek:
    """KEKs given from outside (environment, mounted secret), which we can read but not make.

    ``following`` is the KEK to go over to when a key is destroyed; removing the old one
    from the environment afterwards is the operator's part.
    """

    def __init__(self, current: str, following: str | None = None) -> None:
        self._held = [parsed(current.encode(), "the KEK")]
        if following is not None:
            self._held.append(parsed(following.encode(), "the following KEK"))

    def __repr__(self) -> str:
        return f"EnvironmentKek({MASK})"

    def load(self) -> dict[str, Kek]:
        """The current KEK and the following one if it is given."""
        return by_id(self._held)

    def add(self) -> Kek:
        """The following KEK; OfficeError if none is given."""
        if len(self._held) == 1:
            msg = (
                "destroying a key needs a new KEK, and the KEK comes from the environment: "
                "give the following KEK beside it, then repeat"
            )
            raise OfficeError(msg)
        return self._held[-1]

    def keep_only(self, kek_id: str) -> None:
        """Nothing: we cannot change the environment."""


def by_id(keks: Iterable[Kek]) -> dict[str, Kek]:
    """KEKs by their check values, in the order given."""
    return {kek.id: kek for kek in keks}


def parsed(text: bytes, where: str) -> Kek:
    """The KEK that is written in base64; OfficeError, which quotes nothing, if it is none."""
    try:
        kek = Kek(base64.b64decode(text, validate=True))
    except binascii.Error:
        kek = Kek()
    if len(kek) != KEK_BYTES:
        msg = f"{where}: a key encryption key is {KEK_BYTES} random bytes, written in base64"
        raise OfficeError(msg)
    return kek
