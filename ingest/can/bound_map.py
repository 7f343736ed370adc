"""A map that fits its database, asked of every frame of a bus.

In: a frame. Out: the codes that the map asks for, and what else stands in the frame, or why it
has no values. What a frame holds depends on who sends it, on its length and on its multiplexers
alone, so that this is found once and not for each frame.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ingest.can.bits import Code, Reader, codes, end_bit, reader
from ingest.can.bound import Bound
from ingest.can.decode import Decoder, Undecoded, read
from ingest.can.layout import Layout
from ingest.logs.frame import LoggedFrame

_SENDERS_HELD: Final = 65_536
_KINDS_HELD: Final = 4_096
"""Ids, and kinds of frames of one message, that are found once; those beyond, each time anew."""


@dataclass(frozen=True, slots=True, eq=False)
class There:
    """What stands in all frames of a message that are of one length and say one multiplex."""

    values: int
    """Signals that came, and mapped ones that were cut off."""
    unmapped: int
    """Signals that came and are not in the map."""
    mapped: tuple[Bound, ...]
    """What the map names and the frame holds."""
    cut_off: tuple[Bound, ...]
    """What the map names and lies past the end of the frame."""
    readers: tuple[Reader, ...]
    """Of mapped signals, and of those that these ask."""


class Taken(NamedTuple):
    """One decoded frame, and in it the codes of what its ``readers`` read."""

    there: There
    codes: Mapping[str, Code]


class View:
    """A message as the map sees it on one bus; ``bound`` is empty if the map does not name it."""

    def __init__(self, of: Layout, bound: Mapping[str, Bound]) -> None:
        self.of = of
        self.bound = bound
        self._multiplexed = any(of.multiplexers())
        self._readers: dict[int, tuple[tuple[Reader, frozenset[int]], ...]] = {}
        """Of the multiplexers, by the length of the frame, which is 64 bytes at most."""
        self._kinds: dict[tuple[Code | None, ...], There | Undecoded] = {}

    def take(self, data: bytes) -> Taken | Undecoded:
        """What a frame with these bytes holds."""
        size = len(data)
        kind = (size, *self._told(data)) if self._multiplexed else (size,)
        there = self._kinds.get(kind)
        if there is None:
            there = self._find(data)
            if len(self._kinds) < _KINDS_HELD:
                self._kinds[kind] = there
        if isinstance(there, Undecoded):
            return there
        return Taken(there, codes(there.readers, data) if there.readers else {})

    def _told(self, data: bytes) -> Iterator[Code | None]:
        """What each multiplexer that came says; None for a code without signals."""
        size = len(data)
        readers = self._readers.get(size)
        if readers is None:
            readers = self._readers[size] = tuple(
                (reader(signal, size), known)
                for signal, known in self.of.multiplexers()
                if end_bit(signal) <= 8 * size
            )
        little, big = int.from_bytes(data, "little"), int.from_bytes(data, "big")
        for (_, is_big, read_code), known in readers:
            code = read_code(big if is_big else little)
            yield code if code in known else None

    def _find(self, data: bytes) -> There | Undecoded:
        found = read(self.of, data, self.bound)
        if isinstance(found, Undecoded):
            return found
        gone = found.cut_off & self.bound.keys()
        mapped = tuple(b for n, b in self.bound.items() if n in found.codes and n not in gone)
        asked = {name: None for one in mapped for name in one.asks if name in found.codes}
        return There(
            len(found.codes) + len(gone),
            len(found.codes.keys() - self.bound.keys()),
            mapped,
            tuple(b for n, b in self.bound.items() if n in gone),
            tuple(reader(self.of.signals[name][0], len(data)) for name in asked),
        )


class BoundMap:
    """A map that fits its database. ``by_layout``: what it names of each message, by signal."""

    def __init__(self, decoder: Decoder, by_layout: Mapping[Layout, Mapping[str, Bound]]) -> None:
        self.decoder = decoder
        self.by_layout = by_layout
        self._views: dict[tuple[Layout, frozenset[str]], View] = {}
        self._by_sender: dict[tuple[bool, int, str], View | Undecoded] = {}

    def take(self, frame: LoggedFrame) -> Taken | Undecoded:
        """The frame's codes; never raises for what a bus may carry."""
        view = self.view(frame)
        return view if isinstance(view, Undecoded) else view.take(frame.data)

    def view(self, frame: LoggedFrame) -> View | Undecoded:
        """The message that the frame is, as the map sees it."""
        sender = (frame.ext, frame.id, frame.bus)
        view = self._by_sender.get(sender)
        if view is None:
            view = self._found(frame)
            if len(self._by_sender) < _SENDERS_HELD:
                self._by_sender[sender] = view
        return view

    def _found(self, frame: LoggedFrame) -> View | Undecoded:
        meant = self._meant(frame)
        if isinstance(meant, Undecoded):
            return meant
        one, bound = meant
        return self._views.setdefault((one, frozenset(bound)), View(one, bound))

    def _meant(self, frame: LoggedFrame) -> tuple[Layout, Mapping[str, Bound]] | Undecoded:
        """The message that the map names, of those that the frame may be."""
        found = self.decoder.candidates(frame)
        if isinstance(found, Undecoded):
            return found
        mapped = [(one, self.by_layout[one]) for one in found if one in self.by_layout]
        if not mapped:
            return found[-1], {}
        here = [
            (one, on_bus)
            for one, bound in mapped
            if (on_bus := {n: b for n, b in bound.items() if b.bus in (None, frame.bus)})
        ]
        if not here:
            return Undecoded.OTHER_BUS
        paths = [{n: b.mapped for n, b in bound.items()} for _, bound in here]
        # A sender that the database does not know, in a group whose senders mean different paths.
        return here[0] if all(each == paths[0] for each in paths) else Undecoded.UNKNOWN_ID
