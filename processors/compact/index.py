"""Numbers by hash, in four bytes each: a hash table that grows by one bucket at a time.

Linear hashing (W. Litwin, 1980): no growth is ever long, so that a million rows that come at once
hold nothing up. The numbers of one bucket are a chain, which their owner keeps beside what they
number.
"""

from array import array
from collections.abc import Callable
from typing import Final

NOTHING: Final = 0
"""No number; the end of a chain."""
FIRST_BUCKETS: Final = 8
PER_BUCKET: Final = 2
"""Numbers in a bucket, on average, before another one is made."""


class Index:
    """``hash_of(number)`` and the chain's ``next_of`` and ``set_next`` are the owner's.

    The hash must be keyed, as ``hash`` of bytes is (PYTHONHASHSEED), so that whoever chooses
    names cannot choose buckets.
    """

    def __init__(
        self,
        hash_of: Callable[[int], int],
        next_of: Callable[[int], int],
        set_next: Callable[[int, int], None],
    ) -> None:
        self._hash_of = hash_of
        self._next_of = next_of
        self._set_next = set_next
        self._heads = array("I", [NOTHING]) * FIRST_BUCKETS
        self._mask = FIRST_BUCKETS - 1
        self._split = 0
        """The bucket that is divided next; those before it are divided under this mask already."""
        self._count = 0

    def first(self, hashed: int) -> int:
        """The first number of the chain in which whatever has this hash is."""
        place = hashed & self._mask
        if place < self._split:
            place = hashed & (2 * self._mask + 1)
        return self._heads[place]

    def add(self, hashed: int, number: int) -> None:
        """Put a number that is not in it."""
        place = self._place(hashed)
        self._set_next(number, self._heads[place])
        self._heads[place] = number
        self._count += 1
        if self._count > PER_BUCKET * len(self._heads):
            self._grow()

    def remove(self, hashed: int, number: int) -> None:
        """Take out a number that is in it."""
        place = self._place(hashed)
        after = self._next_of(number)
        before, at = NOTHING, self._heads[place]
        while at != number:
            before, at = at, self._next_of(at)
        if before == NOTHING:
            self._heads[place] = after
        else:
            self._set_next(before, after)
        self._count -= 1

    def _place(self, hashed: int) -> int:
        place = hashed & self._mask
        return place if place >= self._split else hashed & (2 * self._mask + 1)

    def _grow(self) -> None:
        """Divide one bucket between itself and a new last one."""
        bit = self._mask + 1
        chains = [NOTHING, NOTHING]
        number = self._heads[self._split]
        while number != NOTHING:
            after = self._next_of(number)
            half = bool(self._hash_of(number) & bit)
            self._set_next(number, chains[half])
            chains[half] = number
            number = after
        self._heads[self._split] = chains[0]
        self._heads.append(chains[1])
        self._split += 1
        if self._split == bit:
            self._mask, self._split = 2 * self._mask + 1, 0
