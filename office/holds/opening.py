"""Opening what a hold keeps, for the officer who answers for it: sealed files to readable ones.

In: the folder of sealed copies, a hold's commands, their private keys. Out: a file of JSON lines
for each output, each row once, readable by its owner alone; how many rows, and which files do not
open. Blocks.
"""

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from office.errors import OfficeError
from telemetry.held_copy import FILE_BYTES_MAX, FILE_NAME, HeldCopy, unframed
from telemetry.wire.hold import HoldCommand

LINES_BYTES_MAX: Final = FILE_BYTES_MAX
"""What one file may become when it is unpacked."""


@dataclass
class Opened:
    """What was written. Names of outputs and files alone."""

    rows: dict[str, int] = field(default_factory=dict)
    """By output."""
    damaged: list[str] = field(default_factory=list)
    """Files that are not whole, or not sealed for this hold: their rows are not among these."""


def open_copies(
    folder: Path, commands: Iterable[HoldCommand], keys: Mapping[str, X25519PrivateKey], into: Path
) -> Opened:
    """Write what the copies of these commands hold; ``keys`` by command.

    OfficeError if ``into`` is not empty, or cannot be written.
    """
    opened = Opened()
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(into.iterdir()):
            msg = f"{into} is not empty: name a folder that is, or is new"
            raise OfficeError(msg)  # it is refused before anything is read
        known: dict[str, set[bytes]] = {}
        for command in commands:
            rows = list(_rows(folder / command.command, keys[command.command], opened))
            fresh = known.setdefault(command.output, set())
            _append(into / f"{command.output}.jsonl", _once(rows, fresh))
            opened.rows[command.output] = len(fresh)
    except OSError as error:
        msg = f"what is held cannot be read, or {into} not written: {error.strerror}"
        raise OfficeError(msg) from None
    return opened


def _rows(folder: Path, key: X25519PrivateKey, opened: Opened) -> Iterator[tuple[bytes, bytes]]:
    """Every row in a folder of copies, as its digest and its line."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not FILE_NAME.fullmatch(path.name):
            continue  # half written, by a process that died
        copy = unframed(path.read_bytes()) if path.stat().st_size <= FILE_BYTES_MAX else None
        lines = None if copy is None else _lines(copy, key)
        if copy is None or lines is None:
            opened.damaged.append(f"{folder.name}/{path.name}")
        else:
            yield from zip(copy.digests, lines, strict=True)


def _lines(copy: HeldCopy, key: X25519PrivateKey) -> list[bytes] | None:
    """The rows; None if they were not sealed for this key, under this header."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        packed = suite.decrypt(copy.sealed, key, copy.bound_to)
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(packed, LINES_BYTES_MAX)
    except (InvalidTag, ValueError, zlib.error):
        return None
    lines = text.splitlines()
    return lines if unpacking.eof and len(lines) == copy.header.rows else None


def _once(rows: Iterable[tuple[bytes, bytes]], known: set[bytes]) -> Iterator[bytes]:
    """The lines of rows that were not given yet: a file that was damaged is made again whole."""
    for digest, line in rows:
        if digest not in known:
            known.add(digest)
            yield line


def _append(path: Path, lines: Iterable[bytes]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.writelines(line + b"\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
