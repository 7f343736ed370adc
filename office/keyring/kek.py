"""The key encryption key (KEK): from a private file that we make, or from the environment.

A holder may hold more than one KEK while keys are being rewrapped; each is known by a
check value that does not reveal it. KEKs enter no log, no database and no backup.
"""

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from office.errors import OfficeError
from telemetry.identity import MASK

KEK_BYTES: Final = 32
OTHERS: Final = 0o077
"""Permission bits of group and world."""


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
        self._file = file
        self._next = file.with_name(file.name + ".next")

    def load(self) -> dict[str, Kek]:
        """Every KEK in the file; OfficeError if others may read it, or it is damaged."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY)
        except FileNotFoundError:
            return {}
        with os.fdopen(descriptor, "rb") as opened:
            if os.fstat(opened.fileno()).st_mode & OTHERS:
                msg = f"{self._file}: others may read the key encryption key; chmod 600 it"
                raise OfficeError(msg)
            lines = opened.read().split()
        return _by_id(_parsed(line, str(self._file)) for line in lines)

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
        _destroy(self._next)
        lines = b"".join(base64.b64encode(kek) + b"\n" for kek in keks.values())
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.write(lines)
            written.flush()
            os.fsync(written.fileno())
        previous = self._file.open("r+b") if self._file.exists() else None
        self._next.replace(self._file)
        _sync_folder(self._file.parent)
        if previous is not None:
            with previous:
                _overwrite(previous.fileno())


class EnvironmentKek:
    """KEKs given from outside (environment, mounted secret), which we can read but not make.

    ``following`` is the KEK to go over to when a key is destroyed; removing the old one
    from the environment afterwards is the operator's part.
    """

    def __init__(self, current: str, following: str | None = None) -> None:
        self._held = [_parsed(current.encode(), "the KEK")]
        if following is not None:
            self._held.append(_parsed(following.encode(), "the following KEK"))

    def __repr__(self) -> str:
        return f"EnvironmentKek({MASK})"

    def load(self) -> dict[str, Kek]:
        """The current KEK and the following one if it is given."""
        return _by_id(self._held)

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


def _by_id(keks: Iterable[Kek]) -> dict[str, Kek]:
    return {kek.id: kek for kek in keks}


def _parsed(text: bytes, where: str) -> Kek:
    try:
        kek = Kek(base64.b64decode(text, validate=True))
    except binascii.Error:
        kek = Kek()
    if len(kek) != KEK_BYTES:
        msg = f"{where}: a key encryption key is {KEK_BYTES} random bytes, written in base64"
        raise OfficeError(msg)
    return kek


def _destroy(file: Path) -> None:
    """What a crash may have left: overwrite, then unlink."""
    if file.exists():
        with file.open("r+b") as opened:
            _overwrite(opened.fileno())
        file.unlink()


def _overwrite(descriptor: int) -> None:
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
