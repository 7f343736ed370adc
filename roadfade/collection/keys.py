"""The key that signs collection lists, and the public keys of before, in one file of the office's.

In: the file. Out: the key, made if there is none; a new one in its place; the set of public keys by
which devices check. A former key is kept without its secret until the last list that it signed has
ended. Blocks for milliseconds.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from office.errors import OfficeError
from office.whole_files import PRIVATE, make_file, replace_file
from roadfade.collection.signed_lists import ListSigner
from telemetry.identity import MASK

FILE_BYTES_MAX: Final = 256 * 1024
FORMER_MAX: Final = 100
OTHERS: Final = 0o077
TOO_MANY: Final = (
    f"the key was rotated {FORMER_MAX} times within the life of a list: wait until the first of "
    "them has ended, or rotate with --at-once, which ends them all"
)


class _Former(Struct, forbid_unknown_fields=True):
    public: dict[str, Any]
    until_ms: int


class _Kept(Struct, forbid_unknown_fields=True):
    v: int
    private: dict[str, Any]
    former: list[_Former]

    def __repr__(self) -> str:
        return f"_Kept({MASK})"


class CollectionKeys(NamedTuple):
    """What signs now, and the public keys of before."""

    signer: ListSigner
    former: tuple[_Former, ...]

    def public_set(self, now_ms: int) -> Mapping[str, Any]:
        """The JWK set: devices take lists that one of its keys signed."""
        living = [one.public for one in self.former if one.until_ms > now_ms]
        return {"keys": [self.signer.public, *living]}


def made_keys(file: Path) -> CollectionKeys:
    """The keys in this file; a key is made if there is none. OfficeError if others may read it."""
    try:
        if not file.exists():
            make_file(file, _written(_Kept(1, ListSigner.fresh().private, [])), PRIVATE)
        return known_keys(file)
    except OSError as error:
        msg = f"the key of collection lists in {file} cannot be used: {error.strerror}"
        raise OfficeError(msg) from None


def known_keys(file: Path) -> CollectionKeys:
    """The keys in this file; OfficeError if there are none, or others may read it."""
    try:
        with file.open("rb") as opened:
            return _read(file, opened.fileno(), opened.read(FILE_BYTES_MAX + 1))
    except FileNotFoundError:
        msg = (
            f"there is no key of collection lists at {file}: `roadfade office` makes it when it "
            "first runs, or name the office's state folder (ROADFADE_STATE_DIR)"
        )
        raise OfficeError(msg) from None


def rotate(file: Path, now_ms: int, life_ms: int, *, at_once: bool = False) -> CollectionKeys:
    """Sign with a new key from now on; the former one's public half stays for ``life_ms``.

    With ``at_once`` no former key stays: devices then refuse every list until they have new ones.
    """
    with _sole(file):
        before = known_keys(file)
        former = [one for one in before.former if one.until_ms > now_ms]
        former.append(_Former(before.signer.public, now_ms + life_ms))
        if at_once:
            former = []
        if len(former) > FORMER_MAX:
            raise OfficeError(TOO_MANY)
        replace_file(file, _written(_Kept(1, ListSigner.fresh().private, former)), PRIVATE)
    return known_keys(file)


def _read(file: Path, descriptor: int, content: bytes) -> CollectionKeys:
    if os.fstat(descriptor).st_mode & OTHERS:
        msg = f"{file}: others may read the key of collection lists; chmod 600 it"
        raise OfficeError(msg)
    try:
        kept = msgspec.json.decode(content, type=_Kept)
        return CollectionKeys(ListSigner.of(kept.private), tuple(kept.former))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        msg = (
            f"{file} holds no key of collection lists: put it back from where keys are kept, or "
            "delete it; the office then makes another, whose public half devices must be given"
        )
        raise OfficeError(msg) from None


def _written(kept: _Kept) -> bytes:
    return json.dumps(msgspec.to_builtins(kept)).encode() + b"\n"


@contextmanager
def _sole(file: Path) -> Iterator[None]:
    """Whoever changes the file does so alone."""
    while True:
        try:
            descriptor = os.open(file, os.O_RDONLY)
        except FileNotFoundError:
            known_keys(file)  # says what to do
            raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_ino == file.stat().st_ino:
                yield
                return
        finally:
            os.close(descriptor)
