"""Ids of devices, or of subjects, as numbers: each held once, with the first of its rows.

A name is kept as long as somebody holds it. Names of up to 64 bytes lie in cells of a multiple of
eight; a longer one is an object of its own, which costs more and works the same.
"""

from struct import Struct
from typing import Final

from processors.compact.cells import KEY_AT, KIND, NOTHING, Cells, Kind

NAME_BYTES_MAX: Final = 64
_STEP: Final = 8
_WIDTHS: Final = tuple(range(_STEP, NAME_BYTES_MAX + 1, _STEP))
_PAD: Final = b"\xff"
"""In no UTF-8 text."""
_LONG: Final = _PAD * _STEP
"""What stands in the cell of a name that lies elsewhere."""
_TAIL: Final = Struct("<II")
"""The head of the rows, and how many hold the name."""
_KINDS: Final = [Kind(width, _TAIL.size) for width in _WIDTHS]
_TAIL_AT: Final = [KEY_AT + width for width in _WIDTHS]

_get, _put = _TAIL.unpack_from, _TAIL.pack_into


class Names:
    """Each name's ``head`` is the owner's to use, and begins as NOTHING."""

    def __init__(self) -> None:
        self._cells = Cells(_KINDS)
        self._long: dict[bytes, int] = {}
        self._long_names: dict[int, bytes] = {}

    def find(self, name: str) -> int:
        """The name's number, NOTHING if nobody holds it."""
        text = name.encode("utf-8", "surrogatepass")
        if len(text) > NAME_BYTES_MAX:
            return self._long.get(text, NOTHING)
        return self._cells.find(_padded(text))

    def hold(self, name: str, head: int = NOTHING) -> tuple[int, int]:
        """The name's number, held once more than before, and its head until now.

        ``head`` is put in its place, if one is given.
        """
        text = name.encode("utf-8", "surrogatepass")
        number = self._number(text)
        run, at = self._cells.at(number)
        at += _TAIL_AT[number & KIND]
        before, holders = _get(run, at)
        _put(run, at, head or before, holders + 1)
        return number, before

    def release(self, number: int) -> None:
        """Hold it once less; it is forgotten when nobody holds it."""
        run, at = self._cells.at(number)
        at += _TAIL_AT[number & KIND]
        head, holders = _get(run, at)
        _put(run, at, head, holders - 1)
        if holders > 1:
            return
        text = self._long_names.pop(number, None)
        if text is None:
            self._cells.remove(number)
        else:
            del self._long[text]
            self._cells.remove_apart(number)

    def text(self, number: int) -> str:
        """The name."""
        text = self._long_names.get(number)
        if text is None:
            run, at = self._cells.at(number)
            text = bytes(run[at + KEY_AT : at + _TAIL_AT[number & KIND]]).rstrip(_PAD)
        return text.decode("utf-8", "surrogatepass")

    def head(self, number: int) -> int:
        """What was put there last."""
        run, at = self._cells.at(number)
        head: int = _get(run, at + _TAIL_AT[number & KIND])[0]
        return head

    def set_head(self, number: int, head: int) -> None:
        """Put a number of the owner's there."""
        run, at = self._cells.at(number)
        at += _TAIL_AT[number & KIND]
        _put(run, at, head, _get(run, at)[1])

    def _number(self, text: bytes) -> int:
        if len(text) > NAME_BYTES_MAX:
            number = self._long.get(text, NOTHING)
            if not number:
                number = self._long[text] = self._cells.add_apart(0, _LONG)
                self._long_names[number] = text
            return number
        key = _padded(text)
        return self._cells.find(key) or self._cells.add(len(key) // _STEP - 1, key)


def _padded(text: bytes) -> bytes:
    return text.ljust(_STEP * (max(0, len(text) - 1) // _STEP + 1), _PAD)
