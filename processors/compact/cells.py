"""Cells of bytes found by their keys: a hash table that grows by one bucket at a time.

A cell has a key and a payload, and lies in one run of bytes with the others of its kind; its number
is four bytes. Linear hashing (W. Litwin, 1980): no growth is ever long, so that a million cells at
once hold nothing up. Buckets are found by ``hash`` of bytes, which is keyed in each process (unless
PYTHONHASHSEED says otherwise): whoever chooses keys cannot choose buckets.
"""

from array import array
from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

NOTHING: Final = 0
"""No number; the end of a chain."""
KIND_BITS: Final = 3
KIND: Final = (1 << KIND_BITS) - 1
KEY_AT: Final = 4
"""Where in a cell its key begins, behind the number of the next one in its bucket."""
_PER_BUCKET: Final = 2
"""Cells in a bucket, on average, before another one is made."""
_FIRST_BUCKETS: Final = 8
_AT_ONCE: Final = 256
"""Cells for which room is made at once."""

_U32: Final = Struct("<I")
_get, _put = _U32.unpack_from, _U32.pack_into


class Kind(NamedTuple):
    """Bytes of a key, and of what comes with it."""

    key: int
    payload: int


class Cells:
    """Cells of up to eight kinds; a key is in one of them at most. Not thread-safe."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._keys = [kind.key for kind in kinds]
        self._sizes = [KEY_AT + kind.key + kind.payload for kind in kinds]
        self._bytes = [bytearray() for _ in kinds]
        self._free = [NOTHING for _ in kinds]
        self._used = [0 for _ in kinds]
        self._heads = array("I", [NOTHING]) * _FIRST_BUCKETS
        self._mask = _FIRST_BUCKETS - 1
        self._split = 0
        """The bucket that is divided next; those before it are divided under this mask already."""
        self._count = 0

    def at(self, number: int) -> tuple[bytearray, int]:
        """The run of bytes in which a cell lies, and where it begins there."""
        kind = number & KIND
        return self._bytes[kind], (number >> KIND_BITS) * self._sizes[kind]

    def find(self, key: bytes) -> int:
        """The number of the cell with this key, or NOTHING."""
        keys, sizes, runs = self._keys, self._sizes, self._bytes
        number = self._heads[self._place(hash(key))]
        while number:
            kind = number & KIND
            run = runs[kind]
            at = (number >> KIND_BITS) * sizes[kind]
            if keys[kind] == len(key) and run.startswith(key, at + KEY_AT):
                return number
            number = _get(run, at)[0]
        return NOTHING

    def add(self, kind: int, key: bytes) -> int:
        """A new cell with this key, which none has; its payload is zeros."""
        number = self.add_apart(kind, key)
        place = self._place(hash(key))
        _put(*self.at(number), self._heads[place])
        self._heads[place] = number
        self._count += 1
        if self._count > _PER_BUCKET * len(self._heads):
            self._grow()
        return number

    def add_apart(self, kind: int, key: bytes) -> int:
        """A new cell that is found by its number only."""
        run, size = self._bytes[kind], self._sizes[kind]
        number = self._free[kind]
        if number:
            self._free[kind] = _get(*self.at(number))[0]
            at = (number >> KIND_BITS) * size
        else:
            self._used[kind] += 1
            number = self._used[kind] << KIND_BITS | kind
            at = self._used[kind] * size
            if at + size > len(run):
                run.extend(bytes(_AT_ONCE * size))
        run[at : at + KEY_AT + len(key)] = bytes(KEY_AT) + key
        return number

    def remove(self, number: int) -> None:
        """Take a cell that ``add`` made out of its bucket, and forget all it held."""
        run, at = self.at(number)
        key_bytes = self._keys[number & KIND]
        place = self._place(hash(bytes(run[at + KEY_AT : at + KEY_AT + key_bytes])))
        before, found = NOTHING, self._heads[place]
        while found != number:
            before, found = found, _get(*self.at(found))[0]
        after = _get(run, at)[0]
        if before:
            _put(*self.at(before), after)
        else:
            self._heads[place] = after
        self._count -= 1
        self.remove_apart(number)

    def remove_apart(self, number: int) -> None:
        """Forget all that a cell held that ``add_apart`` made."""
        kind = number & KIND
        run, at = self.at(number)
        size = self._sizes[kind]
        run[at : at + size] = bytes(size)
        _put(run, at, self._free[kind])
        self._free[kind] = number

    def _place(self, hashed: int) -> int:
        place = hashed & self._mask
        return place if place >= self._split else hashed & (2 * self._mask + 1)

    def _grow(self) -> None:
        """Divide one bucket between itself and a new last one."""
        keys, sizes, runs = self._keys, self._sizes, self._bytes
        bit = self._mask + 1
        stays = goes = NOTHING
        number = self._heads[self._split]
        while number:
            kind = number & KIND
            run = runs[kind]
            at = (number >> KIND_BITS) * sizes[kind]
            after = _get(run, at)[0]
            if hash(bytes(run[at + KEY_AT : at + KEY_AT + keys[kind]])) & bit:
                _put(run, at, goes)
                goes = number
            else:
                _put(run, at, stays)
                stays = number
            number = after
        self._heads[self._split] = stays
        self._heads.append(goes)
        self._split += 1
        if self._split == bit:
            self._mask, self._split = 2 * self._mask + 1, 0
