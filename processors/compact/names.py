"""Ids of devices, or of subjects, as numbers: each held once, with the first of its rows.

A name is kept as long as somebody holds it. Names of up to 64 bytes lie in cells of a multiple of
eight; a longer one is an object of its own, which costs more and works the same.
"""

from struct import Struct
from typing import Final

from processors.compact.index import NOTHING, Index

CELL_BYTES_MAX: Final = 64
_STEP: Final = 8
_WIDTHS: Final = tuple(range(_STEP, CELL_BYTES_MAX + 1, _STEP))
_CLASS_BITS: Final = 3
_CLASS: Final = (1 << _CLASS_BITS) - 1
_AT_ONCE: Final = 256
"""Cells that are made at once."""
_PAD: Final = b"\xff"
"""In no UTF-8 text."""
_LONG: Final = _PAD * _STEP
"""What stands in the cell of a name that lies elsewhere."""

_U32: Final = Struct("<I")
_get = _U32.unpack_from
_put = _U32.pack_into
_NEXT, _HEAD, _HOLDERS, _NAME = 0, 4, 8, 12


class Names:
    """Numbers from 1 on; their ``head`` is the owner's to use, and begins as NOTHING."""

    def __init__(self) -> None:
        self._cells = [bytearray() for _ in _WIDTHS]
        self._free = [NOTHING for _ in _WIDTHS]
        self._used = [0 for _ in _WIDTHS]
        self._index = Index(self._hash_of, self._next_of, self._set_next)
        self._long: dict[bytes, int] = {}
        self._long_names: dict[int, bytes] = {}

    def find(self, name: str) -> int:
        """The name's number, NOTHING if nobody holds it."""
        text = name.encode("utf-8", "surrogatepass")
        if len(text) > CELL_BYTES_MAX:
            return self._long.get(text, NOTHING)
        return self._find(*_cell(text))

    def hold(self, name: str) -> int:
        """The name's number, held once more than before."""
        text = name.encode("utf-8", "surrogatepass")
        if len(text) > CELL_BYTES_MAX:
            number = self._long.get(text, NOTHING)
            if number == NOTHING:
                number = self._long[text] = self._new(0, _LONG)
                self._long_names[number] = text
        else:
            width_class, cell = _cell(text)
            number = self._find(width_class, cell)
            if number == NOTHING:
                number = self._new(width_class, cell)
                self._index.add(hash(cell), number)
        cells, at = self._at(number)
        _put(cells, at + _HOLDERS, _get(cells, at + _HOLDERS)[0] + 1)
        return number

    def release(self, number: int) -> None:
        """Hold it once less; it is forgotten when nobody holds it."""
        cells, at = self._at(number)
        holders = _get(cells, at + _HOLDERS)[0] - 1
        _put(cells, at + _HOLDERS, holders)
        if holders:
            return
        text = self._long_names.pop(number, None)
        if text is None:
            self._index.remove(self._hash_of(number), number)
        else:
            del self._long[text]
        width_class = number & _CLASS
        cells[at + _NAME : at + _NAME + _WIDTHS[width_class]] = bytes(_WIDTHS[width_class])
        _put(cells, at, self._free[width_class])
        self._free[width_class] = number

    def text(self, number: int) -> str:
        """The name."""
        text = self._long_names.get(number)
        if text is None:
            cells, at = self._at(number)
            width = _WIDTHS[number & _CLASS]
            text = bytes(cells[at + _NAME : at + _NAME + width]).rstrip(_PAD)
        return text.decode("utf-8", "surrogatepass")

    def head(self, number: int) -> int:
        """What was put there last."""
        cells, at = self._at(number)
        head: int = _get(cells, at + _HEAD)[0]
        return head

    def set_head(self, number: int, head: int) -> None:
        """Put a number of the owner's there."""
        cells, at = self._at(number)
        _put(cells, at + _HEAD, head)

    def _find(self, width_class: int, cell: bytes) -> int:
        number = self._index.first(hash(cell))
        cells, size = self._cells[width_class], _NAME + _WIDTHS[width_class]
        while number != NOTHING:
            if number & _CLASS == width_class:
                at = (number >> _CLASS_BITS) * size
                if cells.startswith(cell, at + _NAME):
                    return number
                number = _get(cells, at)[0]
            else:
                number = self._next_of(number)
        return NOTHING

    def _new(self, width_class: int, cell: bytes) -> int:
        cells, size = self._cells[width_class], _NAME + _WIDTHS[width_class]
        number = self._free[width_class]
        if number != NOTHING:
            self._free[width_class] = self._next_of(number)
        else:
            self._used[width_class] += 1
            number = self._used[width_class] << _CLASS_BITS | width_class
        at = (number >> _CLASS_BITS) * size
        if at + size > len(cells):
            cells.extend(bytes(_AT_ONCE * size))
        cells[at : at + size] = bytes(_NAME) + cell
        return number

    def _at(self, number: int) -> tuple[bytearray, int]:
        width_class = number & _CLASS
        return (
            self._cells[width_class],
            (number >> _CLASS_BITS) * (_NAME + _WIDTHS[width_class]),
        )

    def _hash_of(self, number: int) -> int:
        cells, at = self._at(number)
        return hash(bytes(cells[at + _NAME : at + _NAME + _WIDTHS[number & _CLASS]]))

    def _next_of(self, number: int) -> int:
        cells, at = self._at(number)
        after: int = _get(cells, at)[0]
        return after

    def _set_next(self, number: int, after: int) -> None:
        cells, at = self._at(number)
        _put(cells, at, after)


def _cell(text: bytes) -> tuple[int, bytes]:
    """The class of its width, and the name as it lies in its cell."""
    width_class = max(0, len(text) - 1) // _STEP
    return width_class, text.ljust(_WIDTHS[width_class], _PAD)
