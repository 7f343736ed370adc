"""Recognises a capture's form by its content: suffixes mislead (``.log`` has four meanings)."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from ingest.logs.encoding import encoding_of
from ingest.logs.strangers import (
    Stranger,
    differences,
    old_measurement,
    stranger_in,
    unread_trace,
)
from ingest.refused import Refused

_HEAD_BYTES: Final = 16 * 1024


class Form(StrEnum):
    """The forms that can be read."""

    CANDUMP = "candump"
    ASC = "asc"
    TRC = "trc"
    BLF = "blf"
    MF4 = "mf4"


class Sniffed(NamedTuple):
    """A form, and for a text its encoding."""

    form: Form
    encoding: str


_MDF: Final = (b"MDF     ", b"UnFinMF ")
_MDF_VERSION: Final = slice(8, 16)
_TEXT: Final = (
    (Form.TRC, re.compile(r"^;\$FILEVERSION|^;\s*PCAN|^\s*\d+\)\s+[\d.]+\s", re.MULTILINE)),
    (Form.ASC, re.compile(r"^date\s+\S+\s|^base\s+(hex|dec)\b", re.MULTILINE | re.IGNORECASE)),
    (
        Form.CANDUMP,
        re.compile(
            r"^\s*\([-\d. :]+\)\s+\S+\s+([RT]X \S \S\s+)?[0-9A-Fa-f]{3,8}(#|\s+\[\d+\])",
            re.MULTILINE,
        ),
    ),
)


def sniff(path: Path) -> Sniffed:
    """The form of the file; ``Refused`` if it is none of them. Reads at most 16 KiB."""
    if not path.is_file():
        msg = f"{path.name} is not a file: name a capture."
        raise Refused(msg)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        msg = f"{path.name} cannot be read: {error.strerror}."
        raise Refused(msg) from error
    if head.startswith(_MDF):
        version = head[_MDF_VERSION].decode("latin-1").strip(" \0")
        if not version.startswith("4"):
            raise refused_as(path, old_measurement(version))
        return Sniffed(Form.MF4, "")
    if head.startswith(b"LOGG"):
        return Sniffed(Form.BLF, "")
    encoding = encoding_of(head)
    text = head.decode(encoding, errors="replace")
    for form, pattern in _TEXT:
        if pattern.search(text):
            unread = unread_trace(text) if form is Form.TRC else differences(text)
            if unread and form is not Form.ASC:
                raise refused_as(path, unread)
            return Sniffed(form, encoding)
    raise refused_as(path, stranger_in(head, text))


def refused_as(path: Path, stranger: Stranger) -> Refused:
    """The refusal that names what the file is and the way in."""
    forms = ", ".join(form.value for form in Form)
    return Refused(f"{path.name} is {stranger.what}: {stranger.remedy}. Read are {forms}.")
