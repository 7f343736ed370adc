"""Stretches of time in which raw data is sealed for one key."""

from typing import NamedTuple


class Period(NamedTuple):
    """A stretch of time with a key of its own; periods of one length begin at 1970 UTC."""

    number: int
    length_s: int

    @property
    def from_ms(self) -> int:
        """Its first instant."""
        return self.number * self.length_s * 1000

    @property
    def to_ms(self) -> int:
        """The first instant after it."""
        return self.from_ms + self.length_s * 1000

    @property
    def following(self) -> "Period":
        """The next one of the same length."""
        return Period(self.number + 1, self.length_s)


def period_at(at_ms: int, length_s: int) -> Period:
    """The period of this length in which an instant lies."""
    return Period(at_ms // (length_s * 1000), length_s)
