"""Making what was written outlive a power cut: fsync of files, directories and renames."""

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    """Block until the file's bytes are on the disk."""
    _sync(path, os.O_RDONLY)


def sync_directory(path: Path) -> None:
    """Block until the directory's entries (creations, renames, unlinks) are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_if_there(path: Path) -> None:
    """``sync_directory`` for a directory that a sweep may be removing at this moment."""
    try:
        sync_directory(path)
    except FileNotFoundError:
        return


def make_directory(path: Path) -> None:
    """Create a directory and its parents; each new name is durable on return."""
    missing: list[Path] = []
    level = path
    while not level.exists():
        missing.append(level)
        level = level.parent
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        sync_directory(directory.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole new file; its bytes are durable on return, its name is not yet."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def move(temporary: Path, final: Path) -> None:
    """Give a file its name, in a directory that a sweep may be removing; not yet durable."""
    for last_try in (False, False, True):
        try:
            make_directory(final.parent)
            temporary.replace(final)
        except FileNotFoundError:
            # A sweep removes empty directories: this one, a moment ago.
            if last_try:
                raise
        else:
            return
