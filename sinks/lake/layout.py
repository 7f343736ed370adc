"""Names in the lake: which file holds what, and what a found name means.

A listing holds what is ours and passes over everything else, whatever its kind: one strange
name must not stop a deletion or an answer. ``survey`` tells what was passed over.

``purpose=<output>/expires=<minute, UTC>/bucket=<NN|all>/part-<checkpoint>-<n>.parquet``:
``all`` holds rows of every bucket, as they came. ``-r<hash>v<version>`` or ``-v<version>`` before
the suffix says that a version of the policy gave rows another end. Parts of format 1 are named
``part-<topic>-<partition>-<first>-<last>``. No name holds an identifier. Names beginning with ``_``
are not data: Spark, Trino and DuckDB globs pass them by.
"""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from telemetry.instants import MINUTE_MS, to_datetime, to_ms

CHECKPOINTS: Final = "_checkpoints"
STAGED: Final = "_staged"
TEMPORARY: Final = "_tmp"
RESTATING: Final = "_restating"
OFFSETS: Final = "_offsets"
WRITING: Final = "_writing"
"""The last two are format 1's."""
FORMAT_FILE: Final = "_lake.json"
STORE_FILE: Final = "_store"
"""What the lake is called."""
RESERVE_FILE: Final = "_reserve"
"""Room that is kept for erasures; nothing is in it."""
COPY_FILE: Final = "_copy"
"""Says that a lake was copied: how far others are, such as a consumer group, says nothing of it."""
BUCKETS_MAX: Final = 256
_EXPIRES_TEXT: Final = "%Y-%m-%dT%H-%MZ"
_TAIL: Final = r"(-r(?P<restated>[0-9a-f]{16})v(?P<of>\d+)|-v(?P<by>\d+))?\.parquet"
_PART: Final = re.compile(r"part-(?P<number>[1-9]\d{0,18})-(?P<nth>\d+)" + _TAIL, re.ASCII)
_PART_1: Final = re.compile(
    r"part-(?P<topic>.+)-(?P<partition>\d+)-(?P<first>\d+)-(?P<last>\d+)" + _TAIL, re.ASCII
)
_ALL: Final = "bucket=all"
_BUCKET: Final = re.compile(r"bucket=([0-9]{2,3}|all)")
_NOWHERE: Final = "this part lies in no partition"
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_GLOB: Final = re.compile(r"[*?\[\]{}]")


class Partition(NamedTuple):
    """One ``expires=`` directory of one output."""

    output: str
    expires_ms: int
    path: Path


class Batch(NamedTuple):
    """Format 1: offsets ``first``..``last`` of a topic's partition, as its lake counted them."""

    topic: str
    partition: int
    first: int
    last: int


class Part(NamedTuple):
    """A data file's name, read."""

    number: int
    """The checkpoint that brought it; 0 for a part of format 1."""
    nth: int = 0
    """Its place among the parts of that checkpoint."""
    batch: Batch | None = None
    """What a part of format 1 was written from."""
    restated: str = ""
    """The part these rows came from, if a version of the policy gave some another end."""
    decided_by: int = 0
    """The version that gave these their end; 0: the one that let each of them through."""

    @property
    def name(self) -> str:
        """The file name."""
        stem = "-".join(map(str, self.batch or (self.number, self.nth)))
        tail = f"-v{self.decided_by}" if self.decided_by else ""
        if self.restated:
            tail = f"-r{self.restated}v{self.decided_by}"
        return f"part-{stem}{tail}.parquet"


def checked_root(root: Path) -> Path:
    """The root made absolute; ValueError if the engine would read it as a pattern."""
    absolute = root.absolute()
    if _GLOB.search(str(absolute)):
        msg = "a lake's path may hold none of * ? [ ] { }: the engine reads them as patterns"
        raise ValueError(msg)
    return absolute


def checked_name(name: str) -> str:
    """An output id or topic that is safe as a file name; ValueError otherwise."""
    if not is_safe(name):
        msg = "outputs and topics are named with letters, digits, dot, hyphen and underscore only"
        raise ValueError(msg)
    return name


def expires_text(expires_ms: int) -> str:
    """The partition value of an expiry; ValueError unless it is a full minute."""
    if expires_ms % MINUTE_MS:
        msg = "an expiry must be a full minute: minute is the finest grain"
        raise ValueError(msg)
    return to_datetime(expires_ms).strftime(_EXPIRES_TEXT)


def bucket_of(pseudonym: str, buckets: int) -> int:
    """The bucket of a pseudonym: the same on every machine and in every run."""
    return int.from_bytes(blake2b(pseudonym.encode(), digest_size=8).digest()) % buckets


def bucket_directory(root: Path, output: str, expires_ms: int, bucket: int | None) -> Path:
    """The directory of an output's rows of one expiry and bucket; None: of every bucket."""
    expires = f"expires={expires_text(expires_ms)}"
    return root / f"purpose={checked_name(output)}" / expires / bucket_name(bucket)


def bucket_name(bucket: int | None) -> str:
    """The name of a bucket's directory."""
    return _ALL if bucket is None else f"bucket={bucket:02d}"


def read_bucket(name: str) -> int | None:
    """The bucket that a directory of ours is named after; None: it holds every bucket."""
    return None if name == _ALL else int(name.removeprefix("bucket="))


def read_part(name: str) -> Part | None:
    """The meaning of a data file's name; None if it is none of ours."""
    found = _PART.fullmatch(name)
    if found is not None:
        number, nth, batch = int(found["number"]), int(found["nth"]), None
    else:
        found = _PART_1.fullmatch(name)
        if found is None:
            return None
        partition, first, last = (int(found[group]) for group in ("partition", "first", "last"))
        number, nth, batch = 0, 0, Batch(found["topic"], partition, first, last)
    decided_by = int(found["of"] or found["by"] or 0)
    return Part(number, nth, batch, found["restated"] or "", decided_by)


def outputs(root: Path) -> list[str]:
    """The ids of all outputs that ever had rows here, sorted."""
    found = (name.removeprefix("purpose=") for name in names(root, "purpose=", is_folder))
    return [name for name in found if is_safe(name)]


def partitions(root: Path, output: str | None = None) -> Iterator[Partition]:
    """Every expiry partition, earliest expiry first within an output."""
    for name in outputs(root) if output is None else [output]:
        directory = root / f"purpose={name}"
        for entry in names(directory, "expires=", is_folder):
            expires_ms = read_expiry(entry)
            if expires_ms is not None:
                yield Partition(name, expires_ms, directory / entry)


def partition_of(part: Path) -> Partition:
    """The partition of a part in its place; ValueError if it is in none."""
    folder = part.parents[1]
    expires_ms = read_expiry(folder.name)
    if expires_ms is None:
        raise ValueError(_NOWHERE)
    return Partition(part.parents[2].name.removeprefix("purpose="), expires_ms, folder)


def read_expiry(name: str) -> int | None:
    """The instant that a directory of a partition names; None if it is none of ours."""
    text = name.removeprefix("expires=")
    try:
        expires_ms = to_ms(datetime.strptime(text, _EXPIRES_TEXT).replace(tzinfo=UTC))
        return expires_ms if name == f"expires={expires_text(expires_ms)}" else None
    except (ValueError, OverflowError):
        return None


def bucket_directories(partition: Partition) -> list[Path]:
    """The directories of a partition's buckets."""
    found = names(partition.path, "bucket=", is_folder)
    return [partition.path / name for name in found if is_bucket(name)]


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in order; nothing if it is not there or cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def files(partition: Partition) -> list[Path]:
    """The data files of a partition, sorted by bucket and name."""
    return [path for path in removable(partition) if read_part(path.name) is not None]


def removable(partition: Partition) -> list[Path]:
    """What goes when a partition ends: its data files, and copies of them by other names."""
    return [
        directory / name
        for directory in bucket_directories(partition)
        for name in names(directory, "part-", is_file)
        if name.endswith(".parquet")
    ]


def is_safe(name: str) -> bool:
    """Whether a name may be an output's or a topic's."""
    return _SAFE_NAME.fullmatch(name) is not None and name.strip(".") != ""


def is_bucket(name: str) -> bool:
    """Whether a directory is named as a bucket's."""
    return _BUCKET.fullmatch(name) is not None


Entry = os.DirEntry[str]


def is_folder(entry: Entry) -> bool:
    """Whether it is a directory, or a link to one: a purpose may lie on a disk of its own."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_file(entry: Entry) -> bool:
    """Whether it is a file itself: unlinking a link would leave the rows it leads to."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def names(directory: Path, prefix: str, kind: Callable[[Entry], bool]) -> list[str]:
    """Entries of this kind, sorted; of a directory that cannot be listed, or is gone, none."""
    try:
        with os.scandir(directory) as found:
            return sorted(one.name for one in found if one.name.startswith(prefix) and kind(one))
    except OSError:
        return []
