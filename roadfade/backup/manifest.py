"""What a backup says of itself: when it was made and ends, and what every file of it is.

``manifest.json`` lies in each of a backup's two folders, the digest of its bytes beside it. That
shows what was damaged; whoever can write there can write both.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from roadfade.refusal import Refusal
from telemetry.instants import format_instant, parse_instant
from telemetry.newer_files import MADE_LATER

VERSION: Final = 1
NAME: Final = "manifest.json"
DIGEST_NAME: Final = "manifest.sha256"
CHUNK_BYTES: Final = 1 << 20

Tell = Callable[[int, int], None]
"""Told of bytes that are done, and of how many."""
Part = Literal["data", "keys"]


class FileSum(Struct, frozen=True, array_like=True):
    """A file of a backup, by its path there."""

    path: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One folder of a backup."""

    v: int = VERSION
    part: Part
    name: str
    made_at: str
    ends_at: str
    """From then on nothing is restored from it, and it is removed."""
    policy_version: int | None
    """The newest version of the policy on record."""
    schemas: dict[str, int]
    """By file; see ``schemas``."""
    counts: dict[str, int]
    files: list[FileSum]

    @property
    def made_ms(self) -> int:
        """Milliseconds UTC."""
        return parse_instant(self.made_at)

    @property
    def ends_ms(self) -> int:
        """Milliseconds UTC."""
        return parse_instant(self.ends_at)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(one.size for one in self.files)


def describe(
    folder: Path,
    part: Part,
    name: str,
    span: tuple[int, int],
    facts: tuple[int | None, Mapping[str, int], Mapping[str, int]],
    tell: Tell,
) -> Manifest:
    """Write the manifest of what lies in a folder; durable on return. Reads every file.

    ``span``: made and ends, in milliseconds; ``facts``: policy version, schemas, counts.
    """
    files = list(summed(folder, tell))
    manifest = Manifest(
        part=part,
        name=name,
        made_at=format_instant(span[0]),
        ends_at=format_instant(span[1]),
        policy_version=facts[0],
        schemas=dict(facts[1]),
        counts=dict(facts[2]),
        files=files,
    )
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    for where, what in (
        (folder / NAME, content),
        (folder / DIGEST_NAME, hashlib.sha256(content).hexdigest().encode()),
    ):
        with where.open("wb") as written:
            os.fchmod(written.fileno(), 0o600)
            written.write(what)
            written.flush()
            os.fsync(written.fileno())
    sync_folders(folder)
    return manifest


def read(folder: Path) -> Manifest:
    """The manifest of a folder; Refusal if it has none that holds, or a newer form."""
    try:
        content = (folder / NAME).read_bytes()
        digest = (folder / DIGEST_NAME).read_bytes().decode(errors="replace").strip()
    except OSError:
        msg = f"{folder} is no backup: it has no manifest; one that was cut has none, either"
        raise Refusal(msg) from None
    if hashlib.sha256(content).hexdigest() != digest:
        msg = f"the manifest in {folder} is damaged: use another backup"
        raise Refusal(msg)
    try:
        version = msgspec.json.decode(content, type=dict[str, msgspec.Raw])["v"]
        number = msgspec.json.decode(version, type=int)
        if number <= VERSION:
            return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, KeyError):
        msg = f"the manifest in {folder} is none that this program writes: use another backup"
        raise Refusal(msg) from None
    msg = (
        f"the backup in {folder} has form {number}, this program reads form {VERSION}: {MADE_LATER}"
    )
    raise Refusal(msg)


def summed(folder: Path, tell: Tell) -> Iterator[FileSum]:
    """Every file below a folder but the manifest, in order of paths."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    own = {folder / NAME, folder / DIGEST_NAME}
    paths = [path for path in paths if path not in own]
    done, total = 0, sum(path.lstat().st_size for path in paths)
    for path in paths:
        size, digest = sum_of(path)
        done += size
        tell(done, total)
        yield FileSum(str(path.relative_to(folder)), size, digest)


def sum_of(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file; a link is none of ours, and is not followed."""
    size, digest = 0, hashlib.sha256()
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def wrong_in(folder: Path, manifest: Manifest, tell: Tell) -> list[str]:
    """Files that are not as the manifest says, lack, or are too many; by their paths."""
    said = {one.path: one for one in manifest.files}
    found = {one.path: one for one in summed(folder, tell)}
    return sorted(path for path in said.keys() | found.keys() if said.get(path) != found.get(path))


def sync_folders(folder: Path) -> None:
    """Make every name below a folder, and in it, durable."""
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(place)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
