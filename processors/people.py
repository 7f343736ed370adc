"""The person linked to a device, and to what they agreed: the two control views, in memory.

Rows come in as the compacted topics give them, keyed by their random row id; a row again
replaces itself, None removes it. Nothing here decides; ``permit`` does.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeVar, assert_never

from processors.changes import Change, Changes
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
)

KnownRow = DeviceRegistration | LinkInterval | ConsentInterval
Row = TypeVar("Row", LinkInterval, ConsentInterval)


class People:
    """Registrations, links and consents by row id, indexed by device and subject."""

    def __init__(self) -> None:
        self.changes = Changes()
        """Whose rows changed: what was derived of theirs before is then invalid."""
        self._rows: dict[bytes, KnownRow] = {}
        self._registered: dict[str, int] = {}
        self._links: dict[str, list[LinkInterval]] = {}
        self._consents: dict[str, list[ConsentInterval]] = {}
        self._unknown: dict[bytes, str | None] = {}
        self._unknown_links: dict[str, int] = {}

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        """Apply one control record; a heartbeat changes nothing."""
        if isinstance(row, Heartbeat):
            return
        before = self._rows.get(key)
        if row == before and key not in self._unknown:
            return
        self._note(before, row)
        self._forget(self._rows.pop(key, None))
        self._know_again(key)
        if row is None:
            return
        self._rows[key] = row
        match row:
            case DeviceRegistration():
                # No calendar of ours begins before 1970.
                self._registered[row.device] = max(0, row.registered_ms)
            case LinkInterval():
                links = self._links.setdefault(row.device, [])
                links.append(row)
                links.sort(key=lambda link: link.from_ms)
            case ConsentInterval():
                self._consents.setdefault(row.subject, []).append(row)
            case _:
                assert_never(row)

    def withhold(self, key: bytes) -> bool:
        """What this row says is unknown until it is applied again; False if it never was.

        Nobody is linked to the device of a link: another link of it may not hold alone.
        """
        row = self._rows.pop(key, None)
        if row is None:
            return key in self._unknown
        self._note(row)
        self._forget(row)
        device = row.device if isinstance(row, LinkInterval) else None
        self._unknown[key] = device
        if device is not None:
            self._unknown_links[device] = self._unknown_links.get(device, 0) + 1
        return True

    def _note(self, *rows: KnownRow | None) -> None:
        for change in {_change_of(row) for row in rows if row is not None}:
            self.changes.note(change)

    def _know_again(self, key: bytes) -> None:
        device = self._unknown.pop(key, None)
        if device is not None:
            self.changes.note(Change("device", device))
            self._unknown_links[device] -= 1
            if not self._unknown_links[device]:
                del self._unknown_links[device]

    def _forget(self, row: KnownRow | None) -> None:
        match row:
            case DeviceRegistration():
                self._registered.pop(row.device, None)
            case LinkInterval():
                _take_out(self._links, row.device, row)
            case ConsentInterval():
                _take_out(self._consents, row.subject, row)
            case None:
                pass
            case _:
                assert_never(row)

    def registered_ms(self, device: str) -> int | None:
        """Since when the device is known, or None."""
        return self._registered.get(device)

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        """The link at an instant, and the interval ``[from, to)`` for which that answer holds.

        Overlapping links are ambiguous: if two hold, no one is linked (fail closed).
        """
        if device in self._unknown_links:
            return None, -FOREVER_MS, FOREVER_MS
        links = self._links.get(device, ())
        holding = [link for link in links if _covers(link.from_ms, link.to_ms, event_ms)]
        edges = _edges((link.from_ms, link.to_ms) for link in links)
        after = bisect_right(edges, event_ms)
        link = holding[0] if len(holding) == 1 else None
        return link, edges[after - 1], edges[after]

    def consents_of(self, subject: str) -> list[ConsentInterval]:
        """Every consent row of a subject, open or withdrawn, by beginning and then by id.

        So a consent that another one repeats is named or not by what they say, and not by the
        order in which they came.
        """
        rows = self._consents.get(subject, ())
        return sorted(rows, key=lambda row: (row.from_ms, row.consent))


FOREVER_MS = 2**62
"""Later than any instant; its negative is earlier than any."""


def _change_of(row: KnownRow) -> Change:
    if isinstance(row, ConsentInterval):
        return Change("subject", row.subject)
    return Change("device", row.device)


def _take_out(rows: dict[str, list[Row]], name: str, row: Row) -> None:
    rows[name].remove(row)
    if not rows[name]:
        del rows[name]


def _covers(from_ms: int, to_ms: int | None, instant_ms: int) -> bool:
    return from_ms <= instant_ms and (to_ms is None or instant_ms < to_ms)


def _edges(intervals: Iterable[tuple[int, int | None]]) -> list[int]:
    edges = {-FOREVER_MS, FOREVER_MS}
    for from_ms, to_ms in intervals:
        if to_ms is None:
            edges.add(from_ms)
        elif from_ms < to_ms:
            # An interval emptied before it began holds nothing and divides nothing.
            edges.update((from_ms, to_ms))
    return sorted(edges)
