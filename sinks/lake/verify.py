"""Whether raw bytes occur anywhere in a folder: in a file's content, its name or its path.

This is how an erasure is checked from outside. It sees through no compression and no
encryption; search a lake written ``uncompressed``.
"""

import os
from pathlib import Path
from typing import Final

from sinks.port.results import Hits

_CHUNK_BYTES: Final = 1 << 20


def search(root: Path, marker: bytes) -> Hits:
    """Search every file under ``root``, ours or not. Blocks; reads everything."""
    if not marker:
        msg = "an empty marker would be found in every file"
        raise ValueError(msg)
    searched = in_bytes = in_names = 0
    for folder, folders, names in os.walk(root, onerror=_unless_gone):
        place = Path(folder)
        for name in (*folders, *names):
            in_names += marker in os.fsencode((place / name).relative_to(root))
        for name in names:
            searched += 1
            in_bytes += _holds(place / name, marker)
    return Hits(searched, in_bytes, in_names)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _holds(path: Path, marker: bytes) -> bool:
    tail = b""
    try:
        if not path.is_file():
            return False  # a pipe would be waited for, for ever
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                if marker in tail + chunk:
                    return True
                tail = chunk[-len(marker) :]
    except FileNotFoundError:
        return False  # removed meanwhile
    return False
