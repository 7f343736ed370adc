"""In: published versions and now. Out: the version in force and the next one.

A worker asks once before each batch, and applies the answer to the whole batch: so a switch
falls between two batches and never into one. Asked with an old now, it answers as it did then.
"""

from collections.abc import Collection
from dataclasses import dataclass

from telemetry.wire.publication import Publication


@dataclass(frozen=True, slots=True)
class InForce:
    """The version that decides, and the one that takes over next."""

    current: Publication | None
    """None before the first version starts: nothing is decided, and nothing released."""
    following: Publication | None
    until_ms: int | None = None
    """The instant from which this answer may no longer hold; None: until one is published."""
    from_ms: int | None = None
    """The instant before which it may not hold: a clock may be set back; None: it always did."""

    def holds_at(self, now_ms: int) -> bool:
        """Whether the answer still holds, so that it need not be asked for before every batch."""
        return (self.from_ms is None or self.from_ms <= now_ms) and (
            self.until_ms is None or now_ms < self.until_ms
        )


def in_force(published: Collection[Publication], now_ms: int) -> InForce:
    """Of what was published by now, the highest version that has started.

    A lower version never replaces a higher one, whatever their dates: to go back, publish
    the old texts under a new number.
    """
    known = [one for one in published if one.published_ms <= now_ms]
    started = [one for one in known if one.starts_ms <= now_ms]
    current = max(started, key=lambda one: one.version, default=None)
    floor = -1 if current is None else current.version
    coming = [one for one in known if one.starts_ms > now_ms and one.version > floor]
    following = min(coming, key=lambda one: (one.starts_ms, -one.version), default=None)
    edges = [edge for one in published for edge in (one.published_ms, one.starts_ms)]
    until_ms = min((edge for edge in edges if edge > now_ms), default=None)
    from_ms = max((edge for edge in edges if edge <= now_ms), default=None)
    return InForce(current, following, until_ms, from_ms)


def active_versions(published: Collection[Publication], now_ms: int) -> tuple[Publication, ...]:
    """Every version that was in force at some time up to now, in that order."""
    started = [one for one in published if one.starts_ms <= now_ms]
    found: list[Publication] = []
    for one in sorted(started, key=lambda one: (one.starts_ms, one.version)):
        if not found or one.version > found[-1].version:
            found.append(one)
    return tuple(found)
