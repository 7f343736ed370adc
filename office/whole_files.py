"""Small files that are replaced whole and durably: a crash leaves the old one or the new one.

Blocks for milliseconds.
"""

import os
import secrets
from pathlib import Path
from typing import Final

PUBLIC: Final = 0o644
PRIVATE: Final = 0o600


def make_file(file: Path, content: bytes, mode: int) -> bool:
    """A file that was not there; False, and nothing is changed, if it was."""
    draft = _draft(file, content, mode)
    try:
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _sync(file.parent)
    return True


def replace_file(file: Path, content: bytes, mode: int) -> None:
    """A file in the place of what was there."""
    draft = _draft(file, content, mode)
    try:
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync(file.parent)


def _draft(file: Path, content: bytes, mode: int) -> Path:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as opened:
        # Whatever the umask: a gateway that is another user reads the list.
        os.fchmod(opened.fileno(), mode)
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    return draft


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
