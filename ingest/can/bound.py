"""A mapped signal and its value in a frame.

In: the codes of a frame. Out: the value in the catalogue's unit, or the reason why there
is none, asked in one order: flag, code, the database's range, the map's and the catalogue's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cantools.database.can import Signal

from ingest.can.layout import Code, Layout, scaled
from ingest.can.mapping import Mapped, Unfit
from ingest.can.no_value import all_ones, as_read
from ingest.range import within


@dataclass(frozen=True, slots=True)
class Bound:
    """A mapped signal of one message of the database."""

    mapped: Mapped
    bus: str | None
    of: Layout
    source: Signal
    none: Callable[[Code], bool]

    def value(self, codes: Mapping[str, Code]) -> float | str | bool | Unfit:
        """The reading's value, or why there is none. ``codes`` of the whole frame."""
        entry, code = self.mapped.entry, codes[self.source.name]
        if entry.valid is not None and self._decoded(entry.valid, codes) != 1:
            return Unfit.INVALID
        decoded = scaled(self.source, code)
        if self._said_none(codes) or (self.none(code) and not self._named(code, decoded)):
            return Unfit.NOT_AVAILABLE
        low, high = self.source.minimum, self.source.maximum
        if low is None or high is None or low < high:
            inside = within(decoded, low, high)
            if inside is None:
                return Unfit.OUT_OF_RANGE
            decoded = inside
        return self.mapped.value(decoded)

    def _decoded(self, name: str, codes: Mapping[str, Code]) -> float | None:
        return scaled(self.of.signals[name][0], codes[name]) if name in codes else None

    def _said_none(self, codes: Mapping[str, Code]) -> bool:
        own = self.source.name
        return any(
            all(
                name in codes and _same(codes[name], code, self.of.signals[name][0])
                for name, code in (said if isinstance(said, dict) else {own: said}).items()
            )
            for said in self.mapped.entry.invalid
        )

    def _named(self, code: Code, decoded: float) -> bool:
        """Whether the map says what the code means, whatever the database says of it."""
        if any(_same(code, said, self.source) for said in self.mapped.entry.valid_codes):
            return True
        if self.of.message.protocol == "j1939" and all_ones(code, self.source.length):
            return False
        return self.mapped.entry.values is not None and decoded in self.mapped.entry.values


def _same(code: Code, said: int, signal: Signal) -> bool:
    """Whether the bits are those of ``said``, which may be written signed or not."""
    return code == as_read(signal, said)
