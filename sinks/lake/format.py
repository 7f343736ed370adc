"""What a lake is: ``_lake.json`` says its format, and into how many buckets its parts are split.

A pseudonym's bucket determines where an erasure must look, so the numbers of buckets that parts
were written with belong to the files, not to today's settings. The number may change: new parts go
by the new one, and an erasure looks by every number that the lake ever had.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sinks.lake.durable import sync_directory, write_file
from sinks.lake.layout import BUCKETS_MAX, CHECKPOINTS, FORMAT_FILE, OFFSETS, STAGED
from sinks.lake.steps import Hook, Step, go_on
from telemetry.newer_files import WRITTEN_LATER

FORMAT_VERSION: Final = 2
FORMAT_OLDEST: Final = 1
"""The earliest that is read; a sink carries it over."""
EARLIER_MAX: Final = 16
"""So often a lake may change its number of buckets; each costs an erasure another look."""


class LakeFormatError(Exception):
    """The lake cannot be opened as it is; the message says why, and what to do."""


class LakeDamagedError(LakeFormatError):
    """Something that the lake needs is lost, damaged or a stranger's; nothing was changed."""


class Format(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of ``_lake.json``."""

    v: int
    buckets: int
    earlier: tuple[int, ...] = ()
    """Numbers of buckets that older parts may have been written with."""

    @property
    def all_buckets(self) -> tuple[int, ...]:
        """Every number of buckets that a part may have been written with."""
        return (*self.earlier, self.buckets)


def begin(root: Path, buckets: int, at: Hook = go_on) -> None:
    """Make a lake of this format, unless there is one."""
    _checked(buckets)
    if (root / FORMAT_FILE).exists():
        return
    if any(_written(root)):
        msg = (
            f"this lake has rows, markers or checkpoints, but no {FORMAT_FILE}: nothing says how "
            "many buckets it has. Put the file back from a backup; see `roadfade lake check`"
        )
        raise LakeFormatError(msg)
    write_format(root, Format(FORMAT_VERSION, buckets), at)


def settle_buckets(root: Path, buckets: int, at: Hook = go_on) -> None:
    """Split new parts into so many buckets from now on; remember how many there were."""
    stored = stored_format(root)
    if stored.buckets == _checked(buckets):
        return
    earlier = tuple(sorted({*stored.earlier, stored.buckets} - {buckets}))
    if len(earlier) > EARLIER_MAX:
        msg = (
            f"this lake has changed its number of buckets {EARLIER_MAX} times: set "
            f"{stored.buckets}, or one of {', '.join(map(str, stored.earlier))}; "
            "`roadfade lake migrate` with one of them makes the lake forget the others"
        )
        raise LakeFormatError(msg)
    write_format(root, Format(stored.v, buckets, earlier), at)


def write_format(root: Path, content: Format, at: Hook = go_on) -> None:
    """Put what the lake is in one rename; durable on return."""
    temporary = root / f"{FORMAT_FILE}.new"
    write_file(temporary, msgspec.json.encode(content))
    temporary.replace(root / FORMAT_FILE)
    at(Step.FORMAT_RENAMED)
    sync_directory(root)
    at(Step.FORMAT_DURABLE)


def stored_format(root: Path) -> Format:
    """What the lake is; ``LakeFormatError`` if there is no lake we can read."""
    path = root / FORMAT_FILE
    if not path.exists():
        msg = "there is no lake here: no sink has written to this folder"
        raise LakeFormatError(msg)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Format)
    except (OSError, msgspec.DecodeError):
        version = _version_of(path)
        if version is not None and version > FORMAT_VERSION:
            raise LakeFormatError(_newer(version)) from None
        msg = (
            f"{FORMAT_FILE} of this lake is damaged or not ours: put it back from a backup; "
            "see `roadfade lake check`"
        )
        raise LakeFormatError(msg) from None
    if not FORMAT_OLDEST <= found.v <= FORMAT_VERSION:
        raise LakeFormatError(_newer(found.v))
    if not all(1 <= one <= BUCKETS_MAX for one in found.all_buckets):
        msg = f"{FORMAT_FILE} of this lake says {found.buckets} buckets, which no lake has"
        raise LakeFormatError(msg)
    return found


def is_of_format_1(root: Path) -> bool:
    """Whether a lake has markers yet; as its folders say, if nothing else does."""
    try:
        return stored_format(root).v == FORMAT_OLDEST
    except LakeFormatError:
        return (root / OFFSETS).exists() and not (root / CHECKPOINTS).exists()


def _newer(version: int) -> str:
    return (
        f"{FORMAT_FILE} says that this lake has format {version}, this program reads "
        f"{FORMAT_OLDEST} to {FORMAT_VERSION}: it {WRITTEN_LATER}"
    )


def _version_of(path: Path) -> int | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, object]).get("v")
    except (OSError, msgspec.DecodeError):
        return None
    return found if isinstance(found, int) else None


def _checked(buckets: int) -> int:
    if not 1 <= buckets <= BUCKETS_MAX:
        msg = f"buckets must lie between 1 and {BUCKETS_MAX}"
        raise ValueError(msg)
    return buckets


def _written(root: Path) -> Iterator[Path]:
    yield from root.glob("purpose=*/expires=*")
    for folder in (OFFSETS, CHECKPOINTS, STAGED):
        yield from (root / folder).glob("*")
