"""Row keys as sixteen bytes and one: what the office's random row ids are, written as base32.

Any other key has no such form, and is kept as it is.
"""

import base64
from typing import Final

CODE_BYTES: Final = 17
ID_CHARS: Final = 26
"""128 bits in base32, without padding."""
_BARE: Final = 0
"""Stands for no mark before the id."""

_BASE32: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUV"
_TO_DIGITS: Final = bytes(
    _DIGITS[_BASE32.index(byte)] if byte in _BASE32 else ord("!") for byte in range(256)
)


def code_of(key: bytes) -> bytes | None:
    """The key's code: its mark, or zero, and the id's 128 bits. None if it has another form.

    Different keys have different codes.
    """
    if len(key) == ID_CHARS + 1 and key[0] != _BARE:
        mark, text = key[:1], key[1:]
    elif len(key) == ID_CHARS:
        mark, text = b"\0", key
    else:
        return None
    try:
        value = int(text.translate(_TO_DIGITS), 32)
    except ValueError:
        return None
    # Two of the 130 bits are padding: another text could stand for the same id.
    return None if value & 3 else mark + (value >> 2).to_bytes(16, "big")


def id_of(code: bytes) -> str:
    """The id in a code, without its mark."""
    return base64.b32encode(code[1:]).decode()[:ID_CHARS]
