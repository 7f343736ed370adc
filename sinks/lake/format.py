"""What a lake was created with and can never change: ``_lake.json``.

A pseudonym's bucket determines where an erasure must look, so the number of buckets belongs to
the files, not to today's settings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sinks.lake.durable import sync_directory, write_file
from sinks.lake.layout import BUCKETS_MAX, FORMAT_FILE, OFFSETS

FORMAT_VERSION: Final = 1


class LakeFormatError(Exception):
    """The lake cannot be opened as it is; the message says why, and what to do."""


class LakeDamagedError(LakeFormatError):
    """Something that the lake needs is lost, damaged or a stranger's; nothing was changed."""


class _Format(Struct, forbid_unknown_fields=True):
    v: int
    buckets: int


def settle_buckets(root: Path, buckets: int) -> None:
    """Record the bucket count in a new lake; ``LakeFormatError`` if an old one differs."""
    if not 1 <= buckets <= BUCKETS_MAX:
        msg = f"buckets must lie between 1 and {BUCKETS_MAX}"
        raise ValueError(msg)
    if not (root / FORMAT_FILE).exists():
        if any(_written(root)):
            msg = (
                f"this lake has rows or markers, but no {FORMAT_FILE}: nothing says how many "
                "buckets it has. Put the file back from a backup; see `roadfade lake check`"
            )
            raise LakeFormatError(msg)
        temporary = root / f"{FORMAT_FILE}.new"
        write_file(temporary, msgspec.json.encode(_Format(FORMAT_VERSION, buckets)))
        temporary.replace(root / FORMAT_FILE)
        sync_directory(root)
    stored = stored_buckets(root)
    if stored != buckets:
        msg = f"this lake has {stored} buckets, not {buckets}: set {stored}, or begin a new lake"
        raise LakeFormatError(msg)


def stored_buckets(root: Path) -> int:
    """The lake's bucket count; ``LakeFormatError`` if there is no lake we can read."""
    path = root / FORMAT_FILE
    if not path.exists():
        msg = "there is no lake here: no sink has written to this folder"
        raise LakeFormatError(msg)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Format)
    except (OSError, msgspec.DecodeError):
        msg = (
            f"{FORMAT_FILE} of this lake is damaged or not ours: put it back from a backup; "
            "see `roadfade lake check`"
        )
        raise LakeFormatError(msg) from None
    if found.v != FORMAT_VERSION:
        msg = f"this lake has format {found.v}, this program reads {FORMAT_VERSION}"
        raise LakeFormatError(msg)
    if not 1 <= found.buckets <= BUCKETS_MAX:
        msg = f"{FORMAT_FILE} of this lake says {found.buckets} buckets, which no lake has"
        raise LakeFormatError(msg)
    return found.buckets


def _written(root: Path) -> Iterator[Path]:
    yield from root.glob("purpose=*/expires=*")
    yield from (root / OFFSETS).glob("*")
