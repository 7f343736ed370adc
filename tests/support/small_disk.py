"""A disk of a few megabytes that a test may fill."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

FILL: Final = "fill"
PIECE_BYTES: Final = 4096


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system in memory mounted on a folder; skips, saying so, if none may be mounted."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    folder.mkdir(parents=True)
    words = ["-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", str(folder)]
    if (
        mount is None or umount is None or subprocess.run([mount, *words], check=False).returncode
    ):  # our own words
        pytest.skip("a full disk needs the right to mount one: run as root")
    try:
        yield folder
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)  # as above


def fill(disk: Path) -> None:
    """Leave no free byte."""
    with (disk / FILL).open("ab", buffering=0) as file:
        for piece in (bytes(256 * PIECE_BYTES), bytes(PIECE_BYTES), b"\0"):
            try:
                while file.write(piece) == len(piece):
                    pass
            except OSError:
                continue


def free(disk: Path) -> None:
    """Give back what ``fill`` took."""
    (disk / FILL).unlink()
