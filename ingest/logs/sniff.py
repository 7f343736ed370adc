"""Recognises a capture's form by its content: suffixes mislead (``.log`` has four meanings)."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Final

from ingest.refused import Refused

_HEAD_BYTES: Final = 16 * 1024


class Form(StrEnum):
    """The forms that can be read."""

    CANDUMP = "candump"
    ASC = "asc"
    TRC = "trc"
    BLF = "blf"
    MF4 = "mf4"


_MAGIC: Final = {b"MDF     ": Form.MF4, b"UnFinMF ": Form.MF4, b"LOGG": Form.BLF}
_TEXT: Final = (
    (Form.TRC, re.compile(r"^;\$FILEVERSION|^;\s*PCAN|^\s*\d+\)\s+[\d.]+\s", re.MULTILINE)),
    (Form.ASC, re.compile(r"^date\s+\w+\s|^base\s+(hex|dec)\b", re.MULTILINE | re.IGNORECASE)),
    (Form.CANDUMP, re.compile(r"^\s*\(-?\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]{3,8}#", re.MULTILINE)),
)
_KNOWN_STRANGERS: Final = {
    "***BUSMASTER": "a BUSMASTER log",
    "Time Stamp,ID,Extended": "a GVRET log",
}


def sniff(path: Path) -> Form:
    """The form of the file; ``Refused`` if it is none of them. Reads at most 16 KiB."""
    if not path.is_file():
        msg = f"{path.name} is not a file."
        raise Refused(msg)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for magic, form in _MAGIC.items():
        if head.startswith(magic):
            return form
    text = head.decode("utf-8", errors="replace")
    for form, pattern in _TEXT:
        if pattern.search(text):
            return form
    what = next(
        (name for mark, name in _KNOWN_STRANGERS.items() if mark in text), "in no known form"
    )
    forms = ", ".join(form.value for form in Form)
    msg = f"{path.name} is {what}: convert it to one of {forms}."
    raise Refused(msg)
