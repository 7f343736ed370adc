"""The signals of one message, each by its own bits.

In: a message of a database as cantools loads it. Out: the raw codes that the bytes of a
frame hold. What is wrong with one signal (bits that it shares, a place past the end, a
multiplexer without a meaning) costs that signal and no other.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cantools.database.can import Message, Signal

from ingest.can.bits import Code, decodable, end_bit, reader
from ingest.can.bits import codes as codes_of


class Codes(NamedTuple):
    """What one frame holds: codes by signal, and the signals that lie past its bytes."""

    codes: Mapping[str, Code]
    cut_off: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Branch:
    """Signals that are there together: always, or while a multiplexer says one of ``when``."""

    multiplexer: str | None
    when: frozenset[int]
    signals: tuple[Signal, ...]
    """Of a name that occurs again, the last counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A message and how to take it apart. Compared by identity: names occur twice."""

    message: Message
    signals: Mapping[str, tuple[Signal, ...]]
    """By name; more than one if the database uses the name again."""
    _branches: tuple[_Branch, ...]
    _bytes: int
    """As many as its signals reach, whatever length the database gives the message."""
    _known: Mapping[str, frozenset[int]]
    """By multiplexer: the codes under which the database has signals."""

    @property
    def name(self) -> str:
        """The message's name in the database."""
        return self.message.name

    def read(self, data: bytes) -> Codes:
        """Take the codes out of a frame's bytes; those of signals that are not there are absent."""
        codes: dict[str, Code] = {}
        cut_off: set[str] = set()
        size = len(data)
        for branch in self._branches:
            if branch.multiplexer is not None and codes.get(branch.multiplexer) not in branch.when:
                continue
            there = [signal for signal in branch.signals if end_bit(signal) <= 8 * size]
            codes |= codes_of(tuple(reader(signal, size) for signal in there), data)
            if size < self._bytes:
                cut_off |= {signal.name for signal in branch.signals} - codes.keys()
        return Codes(codes, frozenset(cut_off))

    def multiplexers(self) -> Iterator[tuple[Signal, frozenset[int]]]:
        """Each signal that others depend on, and the codes under which the database has signals."""
        for name, known in self._known.items():
            for signal in self.signals.get(name, ()):
                if decodable(signal):
                    yield signal, known

    def only_unknown_multiplex(self, codes: Mapping[str, Code]) -> bool:
        """Whether all that was read is multiplexers, one with a code without a meaning."""
        return codes.keys() <= self._known.keys() and any(
            code not in self._known[name] for name, code in codes.items()
        )

    def agrees(self, other: "Layout") -> bool:
        """Whether both read the same values out of the same bytes."""
        return {name: [shape(s) for s in found] for name, found in self.signals.items()} == {
            name: [shape(s) for s in found] for name, found in other.signals.items()
        }


def layout(message: Message) -> Layout:
    """Lay a message out. ``message`` is no container."""
    by_name: dict[str, tuple[Signal, ...]] = {}
    groups: dict[tuple[str | None, frozenset[int]], list[Signal]] = {}
    known: dict[str, frozenset[int]] = {
        s.name: frozenset() for s in message.signals if s.is_multiplexer
    }
    for signal in message.signals:
        by_name[signal.name] = (*by_name.get(signal.name, ()), signal)
        when = frozenset(signal.multiplexer_ids or ())
        if decodable(signal):
            groups.setdefault((signal.multiplexer_signal, when), []).append(signal)
        if signal.multiplexer_signal is not None:
            known[signal.multiplexer_signal] = (
                known.get(signal.multiplexer_signal, frozenset()) | when
            )
    parents = {signal.name: signal.multiplexer_signal for signal in message.signals}
    branches = [
        _Branch(multiplexer, when, tuple(signals))
        for (multiplexer, when), signals in sorted(
            groups.items(), key=lambda group: _depth(group[0][0], parents)
        )
    ]
    reach = max((end_bit(signal) for signal in message.signals), default=0)
    return Layout(message, by_name, tuple(branches), -(-reach // 8), known)


def scaled(signal: Signal, code: Code) -> float:
    """The code's value by the database's factor and offset; infinite beyond what a float holds."""
    value: float = signal.conversion.raw_to_scaled(code, decode_choices=False)  # type: ignore[assignment]  # no choices: a number
    if isinstance(value, float):
        return value
    try:
        float(value)
    except OverflowError:
        # Whole numbers of any size come of a factor such as 1E308.
        return math.inf
    return value


def shape(signal: Signal) -> tuple[object, ...]:
    """What makes a signal's value out of bytes; two of one shape mean the same."""
    conversion = signal.conversion
    return (
        signal.start,
        signal.length,
        signal.byte_order,
        signal.is_signed,
        conversion.is_float,
        conversion.scale,
        conversion.offset,
        signal.unit,
        signal.minimum,
        signal.maximum,
        signal.multiplexer_signal,
        frozenset(signal.multiplexer_ids or ()),
    )


def _depth(multiplexer: str | None, parents: Mapping[str, str | None]) -> int:
    """How many multiplexers stand above; a ring of them, which no frame can enter, ends."""
    depth = 0
    while multiplexer is not None and depth <= len(parents):
        multiplexer = parents.get(multiplexer)
        depth += 1
    return depth
