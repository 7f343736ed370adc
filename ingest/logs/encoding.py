"""In which encoding a text was written: by its mark, or by what its bytes can be.

In: bytes. Out: a codec's name, or the texts that the bytes can mean. What counts in logs and
databases is ASCII; the rest is names of months, comments and units.
"""

import codecs
from collections.abc import Iterator
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK: Final = ("utf-8", "cp1252", "cp932", "latin-1")
"""UTF-8 is strict and others are not. Latin-1 takes every byte, so something is always read."""
_PAIR: Final = 2


def encoding_of(head: bytes) -> str:
    """The codec of a text that begins with ``head``, which may end within a character."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if wide := _wide(head):
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def readings_of(data: bytes) -> Iterator[str]:
    """Every text that the bytes can be, the likeliest first; at least one, without its mark."""
    known = encoding_of(data)
    if known not in _WITHOUT_MARK:
        yield data.decode(known, errors="replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        return
    for name in _WITHOUT_MARK:
        try:
            yield data.decode(name)
        except UnicodeDecodeError:
            continue


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: an ASCII text of it has a zero beside every character."""
    if len(head) < _PAIR * _PAIR:
        return None
    if not any(head[0:8:2]) and all(head[1:8:2]):
        return "utf-16-be"
    if all(head[0:8:2]) and not any(head[1:8:2]):
        return "utf-16-le"
    return None
