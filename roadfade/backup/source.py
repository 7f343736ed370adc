"""The backup that is restored from: whether it may be, and its files, copied and held against it.

In: two folders, an instant. Out: manifests that hold, copies whose digests are as they say.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from roadfade.backup import manifest as manifests
from roadfade.backup import schemas
from roadfade.backup.manifest import CHUNK_BYTES, FileSum, Manifest, Tell, sum_of, sync_folders
from roadfade.refusal import Refusal
from telemetry.instants import format_instant


@dataclass(frozen=True, slots=True)
class Source:
    """A backup's folders and what they say."""

    data_dir: Path
    keys_dir: Path
    data: Manifest
    keys: Manifest

    @property
    def has_postgres(self) -> bool:
        """Whether its rows are of a store in PostgreSQL."""
        return schemas.POSTGRES in self.data.schemas

    @property
    def has_lake(self) -> bool:
        """Whether they are of a lake."""
        return schemas.LAKE in self.data.schemas

    @classmethod
    def of(cls, data_dir: Path, keys_dir: Path, now_ms: int) -> "Source":
        """Refusal if nothing may be restored from them now, or this program cannot."""
        found = cls(data_dir, keys_dir, manifests.read(data_dir), manifests.read(keys_dir))
        if (found.data.part, found.keys.part) != ("data", "keys"):
            msg = "the folder of data, or that of keys, is one of the other kind: name both anew"
            raise Refusal(msg)
        if found.keys.made_ms < found.data.made_ms:
            msg = (
                "those keys were copied before that data, so that some of it could be found by "
                "nobody: name the keys of the same backup, or of a later one"
            )
            raise Refusal(msg)
        ends_ms = min(found.data.ends_ms, found.keys.ends_ms)
        if ends_ms <= now_ms:
            msg = (
                f"this backup ended at {format_instant(ends_ms)}, and nothing is restored from one "
                "that has ended: use a newer one"
            )
            raise Refusal(msg)
        schemas.refuse_newer(found.data.schemas)
        schemas.refuse_newer(found.keys.schemas)
        return found

    def copy(self, target: Path, tell: Tell) -> None:
        """Copy both folders' files into one, durably; Refusal if one is not as it was.

        Those of a store in PostgreSQL are only looked through: they go from here into it.
        """
        total = self.data.size + self.keys.size
        done = 0
        for folder, said in ((self.data_dir, self.data), (self.keys_dir, self.keys)):
            for one in said.files:
                if one.path.startswith(f"{schemas.POSTGRES}/"):
                    _look_through(folder, one)
                else:
                    _copy(folder, one, target)
                done += one.size
                tell(done, total)
        sync_folders(target)


def _copy(folder: Path, one: FileSum, target: Path) -> None:
    path = target / one.path
    if target.resolve() not in path.resolve().parents:
        msg = f"the manifest in {folder} names a file outside of it: use another backup"
        raise Refusal(msg)
    # A lake gets the modes that a sink gives it, by the umask: others may be meant to read it.
    in_lake = one.path.startswith(f"{schemas.LAKE}/")
    path.parent.mkdir(parents=True, exist_ok=True)
    size, digest = 0, hashlib.sha256()
    try:
        source = os.open(folder / one.path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise Refusal(_damaged(folder, one)) from None
    with os.fdopen(source, "rb") as stream, path.open("xb") as written:
        if not in_lake:
            os.fchmod(written.fileno(), 0o600)
        while chunk := stream.read(CHUNK_BYTES):
            written.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        written.flush()
        os.fsync(written.fileno())
    if (size, digest.hexdigest()) != (one.size, one.sha256):
        raise Refusal(_damaged(folder, one))


def _look_through(folder: Path, one: FileSum) -> None:
    try:
        found = sum_of(folder / one.path)
    except FileNotFoundError:
        raise Refusal(_damaged(folder, one)) from None
    if found != (one.size, one.sha256):
        raise Refusal(_damaged(folder, one))


def _damaged(folder: Path, one: FileSum) -> str:
    return (
        f"{one.path} in {folder} is not what was copied there: use another backup, and look at all "
        "of them (roadfade backup verify)"
    )
