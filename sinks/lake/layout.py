"""Names in the lake: which file holds what, and what a found name means.

A listing holds what is ours and passes over everything else, whatever its kind: one strange
name must not stop a deletion or an answer. ``survey`` tells what was passed over.

``purpose=<output>/expires=<minute, UTC>/bucket=NN/part-<topic>-<partition>-<first>-<last>
.parquet``, with ``-r<hash>v<version>`` before the suffix if a version of the policy gave
rows another end. No name holds an identifier. Names beginning with ``_`` are not data: Spark,
Trino and DuckDB globs pass them by.
"""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from telemetry.instants import MINUTE_MS, to_datetime, to_ms

OFFSETS: Final = "_offsets"
TEMPORARY: Final = "_tmp"
RESTATING: Final = "_restating"
WRITING: Final = "_writing"
FORMAT_FILE: Final = "_lake.json"
BUCKETS_MAX: Final = 100
_EXPIRES_TEXT: Final = "%Y-%m-%dT%H-%MZ"
_PART: Final = re.compile(
    r"part-(?P<topic>.+)-(?P<partition>\d+)-(?P<first>\d+)-(?P<last>\d+)"
    r"(-r(?P<restated>[0-9a-f]{16})v(?P<decided_by>\d+))?\.parquet",
    re.ASCII,
)
_BUCKET: Final = re.compile(r"bucket=[0-9]{2}")
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_GLOB: Final = re.compile(r"[*?\[\]{}]")


class Partition(NamedTuple):
    """One ``expires=`` directory of one output."""

    output: str
    expires_ms: int
    path: Path


class Part(NamedTuple):
    """A data file's name, read: offsets ``first``..``last`` of its batch."""

    topic: str
    partition: int
    first: int
    last: int
    restated: str = ""
    """The part these rows came from, if a version of the policy gave some another end."""
    decided_by: int = 0
    """The version that gave these their end; 0: the one that let each of them through."""

    @property
    def name(self) -> str:
        """The file name."""
        tail = f"-r{self.restated}v{self.decided_by}" if self.restated else ""
        return f"part-{self.topic}-{self.partition}-{self.first}-{self.last}{tail}.parquet"


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


def bucket_directory(root: Path, output: str, expires_ms: int, bucket: int) -> Path:
    """The directory of an output's rows of one expiry and bucket."""
    expires = f"expires={expires_text(expires_ms)}"
    return root / f"purpose={checked_name(output)}" / expires / f"bucket={bucket:02d}"


def marker_directory(root: Path, topic: str, partition: int) -> Path:
    """The directory of a topic-partition's markers."""
    return root / OFFSETS / f"{checked_name(topic)}-{partition}"


def read_part(name: str) -> Part | None:
    """The meaning of a data file's name; None if it is none of ours."""
    found = _PART.fullmatch(name)
    if found is None:
        return None
    partition, first, last = (int(found[group]) for group in ("partition", "first", "last"))
    restated, decided_by = found["restated"] or "", int(found["decided_by"] or 0)
    return Part(found["topic"], partition, first, last, restated, decided_by)


def outputs(root: Path) -> list[str]:
    """The ids of all outputs that ever had rows here, sorted."""
    names = (name.removeprefix("purpose=") for name in _names(root, "purpose=", is_folder))
    return [name for name in names if is_safe(name)]


def partitions(root: Path, output: str | None = None) -> Iterator[Partition]:
    """Every expiry partition, earliest expiry first within an output."""
    for name in outputs(root) if output is None else [output]:
        directory = root / f"purpose={name}"
        for entry in _names(directory, "expires=", is_folder):
            expires_ms = read_expiry(entry)
            if expires_ms is not None:
                yield Partition(name, expires_ms, directory / entry)


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
    names = _names(partition.path, "bucket=", is_folder)
    return [partition.path / name for name in names if is_bucket(name)]


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in order; nothing if it is not there or cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def files(partition: Partition, bucket: int | None = None) -> list[Path]:
    """The data files of a partition, or of one bucket in it, sorted by name."""
    return [path for path in removable(partition, bucket) if read_part(path.name) is not None]


def removable(partition: Partition, bucket: int | None = None) -> list[Path]:
    """What goes when a partition ends: its data files, and copies of them by other names."""
    wanted = None if bucket is None else f"bucket={bucket:02d}"
    return [
        directory / name
        for directory in bucket_directories(partition)
        if wanted is None or directory.name == wanted
        for name in _names(directory, "part-", is_file)
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


def _names(directory: Path, prefix: str, kind: Callable[[Entry], bool]) -> list[str]:
    """Entries of this kind, sorted; of a directory that cannot be listed, or is gone, none."""
    try:
        with os.scandir(directory) as found:
            return sorted(one.name for one in found if one.name.startswith(prefix) and kind(one))
    except OSError:
        return []
