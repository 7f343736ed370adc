"""A mapped signal and its value in a frame.

In: the codes of a frame. Out: the value in the catalogue's unit, or the reason why there
is none, asked in one order: flag, code, the database's range, the map's and the catalogue's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

from cantools.database.can import Signal

from ingest.can.bits import Code
from ingest.can.layout import Layout, scaled
from ingest.can.mapping import Mapped, Unfit
from ingest.can.no_value import all_ones, as_read
from ingest.range import within

_FLAG_BITS_MAX: Final = 8
"""The codes that mean 1 are looked for beforehand up to this length."""
Value = float | str | bool | Unfit
Codes = Mapping[str, Code]


@dataclass(frozen=True, eq=False)
class Bound:
    """A mapped signal of one message of the database."""

    mapped: Mapped
    bus: str | None
    of: Layout
    source: Signal
    none: Callable[[Code], bool]

    @property
    def asks(self) -> tuple[str, ...]:
        """The signals whose codes ``value`` looks at, its own first."""
        entry = self.mapped.entry
        others = [name for said in entry.invalid if isinstance(said, dict) for name in said]
        return (self.source.name, *([] if entry.valid is None else [entry.valid]), *others)

    @cached_property
    def value(self) -> Callable[[Codes], Value]:
        """Takes the codes of a frame, its own among them: the reading's value, or why none.

        Prepared once: what the map says of codes is spelled as the signals are read.
        """
        own, flag = self.source.name, self._flag
        says_none, value_of = self._says_none, self._value_of

        def value(codes: Codes) -> Value:
            code = codes[own]
            if flag is not None and not flag(codes):
                return Unfit.INVALID
            decoded = scaled(self.source, code)
            return Unfit.NOT_AVAILABLE if says_none(codes, code, decoded) else value_of(decoded)

        return value

    @property
    def _flag(self) -> Callable[[Codes], bool] | None:
        """Whether the signal that has to be 1 is."""
        name = self.mapped.entry.valid
        if name is None:
            return None
        signal = self.of.signals[name][0]
        if signal.conversion.is_float or signal.length > _FLAG_BITS_MAX:
            return lambda codes: name in codes and scaled(signal, codes[name]) == 1
        every = range(1 << signal.length)
        ones = frozenset(
            code for code in map(partial(as_read, signal), every) if scaled(signal, code) == 1
        )
        return lambda codes: codes.get(name) in ones

    @property
    def _says_none(self) -> Callable[[Codes, Code, float], bool]:
        """Whether a code says that there is no value, and the map does not take it back."""
        entry, source, none = self.mapped.entry, self.source, self.none
        alone = {as_read(source, said) for said in entry.invalid if not isinstance(said, dict)}
        together = [
            [(name, as_read(self.of.signals[name][0], code)) for name, code in said.items()]
            for said in entry.invalid
            if isinstance(said, dict)
        ]
        taken_back = {as_read(source, said) for said in entry.valid_codes}
        ones_are_none = self.of.message.protocol == "j1939"
        words = entry.values or {}

        def said(codes: Codes) -> bool:
            return any(
                all(name in codes and codes[name] == code for name, code in every)
                for every in together
            )

        def named(code: Code, decoded: float) -> bool:
            """Whether the map says what the code means, whatever the database says of it."""
            if code in taken_back:
                return True
            if ones_are_none and all_ones(code, source.length):
                return False
            return decoded in words

        def says_none(codes: Codes, code: Code, decoded: float) -> bool:
            if code in alone or (together and said(codes)):
                return True
            return none(code) and not named(code, decoded)

        return says_none

    @property
    def _value_of(self) -> Callable[[float], Value]:
        """The value of what was decoded, if it lies in every range."""
        low, high = self.source.minimum, self.source.maximum
        bounded = low is None or high is None or low < high
        mapped = self.mapped.value

        def value_of(decoded: float) -> Value:
            inside = within(decoded, low, high) if bounded else decoded
            return Unfit.OUT_OF_RANGE if inside is None else mapped(inside)

        return value_of
