"""Half-open intervals ``[from_ms, to_ms)`` of time; ``to_ms`` None is still open. Pure."""

from typing import NamedTuple

from office.errors import OfficeError


class Interval(NamedTuple):
    """Milliseconds UTC. With ``to_ms <= from_ms`` it is empty and holds no instant."""

    from_ms: int
    to_ms: int | None

    @property
    def empty(self) -> bool:
        """No instant lies in it."""
        return self.to_ms is not None and self.to_ms <= self.from_ms

    def holds(self, instant_ms: int) -> bool:
        """The instant lies in it; the end does not."""
        return self.from_ms <= instant_ms and (self.to_ms is None or instant_ms < self.to_ms)

    def overlaps(self, other: "Interval") -> bool:
        """Some instant lies in both."""
        return (
            not self.empty
            and not other.empty
            and (
                (other.to_ms is None or self.from_ms < other.to_ms)
                and (self.to_ms is None or other.from_ms < self.to_ms)
            )
        )


def asked_interval(from_ms: int, to_ms: int | None) -> Interval:
    """The interval someone asks for; OfficeError if it would be empty."""
    interval = Interval(from_ms, to_ms)
    if interval.empty:
        msg = "the interval ends before it begins: give an end after the beginning, or none"
        raise OfficeError(msg)
    return interval


def shortened(interval: Interval, at_ms: int) -> Interval:
    """The interval ended at an instant. Never longer than before; never ends before it begins."""
    if interval.to_ms is not None and interval.to_ms <= at_ms:
        return interval
    return Interval(interval.from_ms, max(interval.from_ms, at_ms))
