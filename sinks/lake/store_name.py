"""What a lake is called: ``_store`` holds a random name, made by the first sink that opens it.

It tells one store from another where both answer to the same command. It is made once: whoever
waits for the answer of a store would wait for ever if that changed its name.
"""

import re
import secrets
from pathlib import Path
from typing import Final

from sinks.lake.durable import sync_directory, write_file
from sinks.lake.format import LakeDamagedError, LakeFormatError
from sinks.lake.layout import STORE_FILE

_NAME: Final = re.compile(r"lake:[0-9a-f]{16}")
_MADE_BYTES: Final = 8


def settle_name(root: Path, temporary: Path) -> None:
    """Give the lake a name, durably, unless it has one. For the one writer. Blocks.

    LakeDamagedError if what is there is no name.
    """
    if (root / STORE_FILE).exists():
        store_name(root)
        return
    made = temporary / "name"
    write_file(made, f"lake:{secrets.token_hex(_MADE_BYTES)}".encode())
    made.replace(root / STORE_FILE)
    sync_directory(root)


def store_name(root: Path) -> str:
    """The lake's name; LakeFormatError if no sink has given it one yet, or it is damaged."""
    try:
        found = (root / STORE_FILE).read_bytes().decode(errors="replace")
    except FileNotFoundError:
        msg = "this lake has no name yet: a sink gives it one as it opens it"
        raise LakeFormatError(msg) from None
    if _NAME.fullmatch(found) is None:
        msg = (
            f"{STORE_FILE} of this lake is damaged or not ours: put it back from a backup, or "
            "move it away, and the lake has another name from then on: to commands of erasure "
            "that live it answers under that one too"
        )
        raise LakeDamagedError(msg)
    return found
