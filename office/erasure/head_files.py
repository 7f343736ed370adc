"""Heads of the chain of receipts, a small signed file for each day: later they show what was cut.

In: a folder, a head. Out: files that are never written again, and what they say. Whoever can write
the folder can delete from it, so it proves nothing by itself: copy it to where others keep it.
Blocks for milliseconds.
"""

import os
import re
import secrets
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from office.erasure.receipt_chain import Head
from office.errors import OfficeError

NAME: Final = re.compile(r"\d{4}-\d\d-\d\d\.json")
HEAD_BYTES_MAX: Final = 4_096


class KeptHeads(NamedTuple):
    """What a folder holds."""

    heads: list[Head]
    """The earliest day first."""
    faults: list[str]
    """Files that hold no head of the day in their name, in words."""


def keep_head(folder: Path, head: Head) -> bool:
    """Write a day's head; False, and nothing is changed, if that day has one already.

    OfficeError if the folder cannot be written.
    """
    file = folder / f"{head.day}.json"
    try:
        if file.exists():
            return False
        return _made(file, msgspec.json.encode(head) + b"\n")
    except OSError as error:
        msg = f"heads of receipts cannot be kept in {folder}: {error.strerror}"
        raise OfficeError(msg) from None


def kept_heads(folder: Path) -> KeptHeads:
    """Every head of a folder; none if there is no folder. OfficeError if it cannot be read."""
    try:
        names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        found, faults = list[Head](), list[str]()
        for name in filter(NAME.fullmatch, names):
            head = _read(folder / name)
            if head is None or f"{head.day}.json" != name:
                faults.append(f"{name} holds no head of that day")
            else:
                found.append(head)
    except OSError as error:
        msg = f"heads of receipts in {folder} cannot be read: {error.strerror}"
        raise OfficeError(msg) from None
    return KeptHeads(found, faults)


def _read(file: Path) -> Head | None:
    with file.open("rb") as opened:
        content = opened.read(HEAD_BYTES_MAX + 1)
    try:
        return msgspec.json.decode(content, type=Head)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _made(file: Path, content: bytes) -> bool:
    """A whole file or none; of two that write it at once, one's stays for both."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
