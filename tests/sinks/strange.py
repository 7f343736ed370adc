"""Ten kinds of what may lie in a lake and is not a lake's, each made into one."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

DUE: Final = "purpose=service_improve/expires=2026-12-22T00-00Z"
"""The partition of the records that are due."""


def _file(place: str) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(b"")
        return root / place

    return make


def _folder(place: str) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        (root / place).mkdir(parents=True)
        return root / place

    return make


def _link(place: str, target: str) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(target)
        return root / place

    return make


def _pipe(place: str) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / place)
        return root / place

    return make


def _in_due_bucket(
    make: Callable[[str], Callable[[Path], Path]], name: str
) -> Callable[[Path], Path]:
    def made(root: Path) -> Path:
        bucket = min((root / DUE).glob("bucket=*"))
        return make(f"{bucket.relative_to(root)}/{name}")(root)

    return made


PARTS: Final = [f"part-purpose.service_improve-0-{n}-{n}.parquet" for n in (7, 8, 9)]
STRANGE: Final[Mapping[str, Callable[[Path], Path]]] = {
    "a directory without a date": _folder("purpose=service_improve/expires=backup"),
    "an object store's folder": _file(f"{DUE}_$folder$"),
    "a copy of a partition": _folder(f"{DUE} (copy)"),
    "another way to write a date": _folder("purpose=a/expires=2026-1-1T0-0Z"),
    "lost and found": _folder("purpose=a/lost+found"),
    "a purpose that is a file": _file("purpose=b"),
    "a purpose without a name": _folder("purpose="),
    "a bucket without a number": _folder(f"{DUE}/bucket=x"),
    "a directory named as a part": _in_due_bucket(_folder, PARTS[0]),
    "a link to nothing": _in_due_bucket(lambda place: _link(place, "nowhere"), PARTS[1]),
    "a pipe": _in_due_bucket(_pipe, PARTS[2]),
    "a name of no letters": _file(f"{DUE}/" + os.fsdecode(b"\xff\xfe\n")),
    "a success marker": _file("_SUCCESS"),
    "temporary files of nobody": _folder("_tmp/spark-0"),
}
