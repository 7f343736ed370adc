"""Many marks in many bytes: where any of them is, in any encoding that a file may use."""

import base64
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

Mark = bytes | float
HEAD_BYTES: Final = 8
"""No form is shorter."""


class Needles:
    """The names of the marks whose forms are in some bytes; one pass for all of them."""

    def __init__(self, marks: Mapping[str, Mark]) -> None:
        self._by_head: dict[int, list[tuple[str, bytes]]] = {}
        for name, mark in marks.items():
            for form in forms(mark):
                head = int.from_bytes(form[:HEAD_BYTES], "little")
                self._by_head.setdefault(head, []).append((name, form))
        self._heads = np.array(sorted(self._by_head), np.uint64)
        self._begins = np.zeros(1 << 16, np.bool_)
        self._begins[(self._heads & np.uint64(0xFFFF)).astype(np.int64)] = True
        self.longest = max(len(form) for some in self._by_head.values() for _, form in some)

    def __len__(self) -> int:
        return len({name for some in self._by_head.values() for name, _ in some})

    def names_in(self, content: bytes) -> set[str]:
        """Of the marks that are there."""
        whole: Any = np.frombuffer(content, np.uint8)
        last = len(whole) - HEAD_BYTES + 1
        if last <= 0:
            return set()
        pairs = whole[:last].astype(np.uint16) | (whole[1 : last + 1].astype(np.uint16) << 8)
        places = np.flatnonzero(self._begins[pairs])
        windows = whole[places[:, None] + np.arange(HEAD_BYTES)]
        heads = np.ascontiguousarray(windows).view("<u8").ravel()
        found = set[str]()
        for nth in np.flatnonzero(np.isin(heads, self._heads)):
            for name, form in self._by_head[int(heads[nth])]:
                if content.startswith(form, int(places[nth])):
                    found.add(name)
        return found


def forms(mark: Mark) -> Iterator[bytes]:
    """Texts in UTF-8, UTF-16, hexadecimal and base64; numbers as doubles and as texts."""
    if isinstance(mark, float):
        yield struct.pack("<d", mark)
        yield struct.pack(">d", mark)
        yield repr(mark).encode()
        return
    yield mark
    yield mark.hex().encode()
    yield mark.hex().upper().encode()
    for lead in range(3):
        # Whatever stands before and behind, these characters depend on the mark alone.
        coded = base64.b64encode(b"\0" * lead + mark)
        yield coded[-(-lead * 8 // 6) : (lead + len(mark)) * 8 // 6]
    if mark.isascii():
        yield mark.decode().encode("utf-16-le")
        yield mark.decode().encode("utf-16-be")
