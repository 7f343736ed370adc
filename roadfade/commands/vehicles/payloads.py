"""Envelopes from files and standard input, one by one, bounded."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from ingest.logs.encoding import encoding_of
from roadfade.refusal import Refusal

FILE_BYTES_MAX: Final = 64 * 1024 * 1024


STANDARD_INPUT: Final = "-"


class Payload(NamedTuple):
    """The bytes of one envelope, and where they were read: ``file:3`` is a file's third."""

    where: str
    value: bytes


def read_file(name: str) -> bytes:
    """A file's bytes, or those of the standard input; Refusal if they cannot be read."""
    try:
        if name == STANDARD_INPUT:
            text = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with Path(name).open("rb") as file:
                text = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        msg = f"{name} cannot be read ({error.strerror}): name a file of envelopes, or - for input"
        raise Refusal(msg) from None
    if len(text) > FILE_BYTES_MAX:
        msg = f"{name} is longer than {FILE_BYTES_MAX} bytes: split it"
        raise Refusal(msg)
    return text


def _as_utf_8(text: bytes) -> bytes:
    """The same text as JSON is sent: editors and shells of Windows write a mark, or UTF-16."""
    encoding = encoding_of(text)
    if not encoding.startswith(("utf-8-", "utf-16")):
        return text
    try:
        return text.decode(encoding).encode()
    except UnicodeDecodeError:
        return text  # which is no JSON, and is said to be none


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def split(text: bytes) -> list[bytes]:
    """One document, or one a line if the lines and not the whole are JSON."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and not _is_json(text) and any(map(_is_json, lines)):
        return lines
    return [text.strip()] if lines else []


def read_payloads(files: Sequence[str]) -> list[Payload]:
    """Every envelope of the files in order; Refusal if one cannot be read or is empty."""
    found = []
    for name in files:
        text = _as_utf_8(read_file(name))
        values = split(text)
        if not values:
            msg = f"{name} is empty: it must hold an envelope as JSON, or one on each line"
            raise Refusal(msg)
        found += [Payload(f"{name}:{n}", value) for n, value in enumerate(values, start=1)]
    return found
