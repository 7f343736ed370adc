"""The person linked to a device, and to what they agreed: the two control views, in memory.

Rows come in as the compacted topics give them, keyed by their random row id; a row again
replaces itself, None removes it. Nothing here decides; ``permit`` does. What is answered depends
on the rows that are there alone, and not on the order in which they came.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from processors.changes import Change, Changes
from processors.compact.rows import KnownRow, Rows
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
)

FOREVER_MS: Final = 2**62
"""Later than any instant; its negative is earlier than any."""


class People:
    """Registrations, links and consents by row id, and by device and subject."""

    def __init__(self) -> None:
        self.changes = Changes()
        """Whose rows changed: what was derived of theirs before is then invalid."""
        self._rows = Rows()
        self._unknown: dict[bytes, str | None] = {}
        self._unknown_links: dict[str, int] = {}

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        """Apply one control record; a heartbeat, or a row that is there already, changes nothing.

        Instants are milliseconds UTC; each fits into 64 bits.
        """
        if isinstance(row, Heartbeat):
            return
        number = self._rows.find(key)
        before = self._rows.row(number) if number else None
        if key in self._unknown:
            self._know_again(key)
        elif row == before:
            return
        if before is not None:
            self.changes.note(_change_of(before))
            self._rows.remove(key)
        if row is not None:
            self.changes.note(_change_of(row))
            self._rows.add(key, row)

    def withhold(self, key: bytes) -> bool:
        """What this row says is unknown until it is applied again; False if it never was.

        Nobody is linked to the device of a link: another link of it may not hold alone.
        """
        number = self._rows.find(key)
        if not number:
            return key in self._unknown
        row = self._rows.row(number)
        self.changes.note(_change_of(row))
        self._rows.remove(key)
        device = row.device if isinstance(row, LinkInterval) else None
        self._unknown[key] = device
        if device is not None:
            self._unknown_links[device] = self._unknown_links.get(device, 0) + 1
        return True

    def _know_again(self, key: bytes) -> None:
        device = self._unknown.pop(key)
        if device is not None:
            self.changes.note(Change("device", device))
            self._unknown_links[device] -= 1
            if not self._unknown_links[device]:
                del self._unknown_links[device]

    def registered_ms(self, device: str) -> int | None:
        """Since when the device is known, or None; of several registrations the last counts."""
        since_ms = [
            row.registered_ms
            for row in self._of_device(device)
            if isinstance(row, DeviceRegistration)
        ]
        # No calendar of ours begins before 1970.
        return max(0, *since_ms) if since_ms else None

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        """The link at an instant, and the interval ``[from, to)`` for which that answer holds.

        Overlapping links are ambiguous: if two hold, no one is linked (fail closed).
        """
        if device in self._unknown_links:
            return None, -FOREVER_MS, FOREVER_MS
        links = [row for row in self._of_device(device) if isinstance(row, LinkInterval)]
        holding = [link for link in links if _covers(link.from_ms, link.to_ms, event_ms)]
        edges = _edges((link.from_ms, link.to_ms) for link in links)
        after = bisect_right(edges, event_ms)
        link = holding[0] if len(holding) == 1 else None
        return link, edges[after - 1], edges[after]

    def consents_of(self, subject: str) -> list[ConsentInterval]:
        """Every consent row of a subject, open or withdrawn, by beginning and then by id.

        So a consent that another one repeats is named or not by what they say.
        """
        rows = [self._rows.row(number) for number in self._rows.of(self._rows.subjects, subject)]
        consents = [row for row in rows if isinstance(row, ConsentInterval)]
        return sorted(consents, key=_by_beginning)

    def row_hash(self, key: bytes) -> int | None:
        """The hash that was kept with the row under this key; None if there is no such row."""
        number = self._rows.find(key)
        return self._rows.hash_beside(number) if number else None

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """Keep a hash of 128 bits with a row until it is replaced; KeyError if there is none."""
        number = self._rows.find(key)
        if not number:
            msg = "no row is there"
            raise KeyError(msg)
        self._rows.keep_beside(number, hashed)

    def _of_device(self, device: str) -> list[KnownRow]:
        return [self._rows.row(number) for number in self._rows.of(self._rows.devices, device)]


def _change_of(row: KnownRow) -> Change:
    if isinstance(row, ConsentInterval):
        return Change("subject", row.subject)
    return Change("device", row.device)


def _by_beginning(row: ConsentInterval) -> tuple[int | str, ...]:
    to_ms = FOREVER_MS if row.to_ms is None else row.to_ms
    asked = row.purpose, row.basis, row.notice, str(row.recipient)
    return row.from_ms, row.consent, *asked, to_ms


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
