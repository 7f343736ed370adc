"""The person linked to a device, to what they agreed, and what of theirs is kept back, in memory.

``People`` is what is asked of whoever holds them; ``packed_people`` is the definition, and the core
has another (``core_people``). Rows come in as the compacted topics give them, keyed by their random
row id; a row again replaces itself, None removes it. Nothing here decides; ``permit`` does. What is
answered depends on the rows that are there alone, and not on the order in which they came.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

from processors.changes import Change
from telemetry.wire.control import ConsentInterval, ControlRow, LinkInterval, Restriction
from telemetry.wire.topic_contents import UsualRows

FOREVER_MS: Final = 2**62
"""Later than any instant; its negative is earlier than any."""


class ChangesRead(Protocol):
    """As ``processors.changes.Changes`` is read."""

    @property
    def position(self) -> int:
        """How many changes there have been; equal positions mean that nothing changed between."""

    def since(self, position: int) -> Sequence[Change] | None:
        """The changes after ``position``, oldest first; None if not all of them are kept."""


class People(Protocol):
    """Registrations, links, consents and restrictions by row id, and by device and subject."""

    @property
    def changes(self) -> ChangesRead:
        """Whose rows changed: what was derived of theirs before is then invalid."""

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        """Apply one control record; a heartbeat, or a row that is there already, changes nothing.

        Instants are milliseconds UTC; each fits into 64 bits.
        """

    def withhold(self, key: bytes) -> bool:
        """What this row says is unknown until it is applied again; False if it never was.

        Nobody is linked to the device of a link: another link of it may not hold alone. A
        restriction may have kept back anything: it stands as an objection to everything.
        """

    def registered_ms(self, device: str) -> int | None:
        """Since when the device is known, or None; of several registrations the last counts."""

    def services(self, device: str) -> Collection[str | None]:
        """As which services the device is registered: None for a registration that names none."""

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        """The link at an instant, and the interval ``[from, to)`` for which that answer holds.

        Overlapping links are ambiguous: if two hold, no one is linked (fail closed).
        """

    def consents_of(self, subject: str) -> list[ConsentInterval]:
        """Every consent row of a subject, open or withdrawn, by beginning and then by id.

        So a consent that another one repeats is named or not by what they say.
        """

    def restrictions_of(self, subject: str) -> list[Restriction]:
        """Every restriction of a subject, over or to come, by beginning and then by id.

        One that is unknown is an objection without a beginning, an end, a purpose or an id.
        """

    def row_hash(self, key: bytes) -> int | None:
        """The hash that was kept with the row under this key; None if there is no such row."""

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """Keep a hash of 128 bits with a row until it is replaced; KeyError if there is none."""

    def usual_rows(self, mark: bytes, kinds: Collection[type[ControlRow]]) -> UsualRows | None:
        """What takes the rows of a topic many at once; None: each has to be applied by itself.

        ``mark``: a byte that stands before each of the topic's keys here; ``kinds``: the rows that
        it has.
        """


NO_LINK: Final = (None, -FOREVER_MS, FOREVER_MS)
"""Nobody is linked, whenever it is."""


def registered_since_ms(all_ms: Collection[int]) -> int | None:
    """Since when a device with these registrations is known, or None."""
    # No calendar of ours begins before 1970.
    return max(0, *all_ms) if all_ms else None


def link_among(
    links: Collection[LinkInterval], event_ms: int
) -> tuple[LinkInterval | None, int, int]:
    """``link_at`` of a device with these links."""
    holding = [link for link in links if _covers(link.from_ms, link.to_ms, event_ms)]
    edges = _edges((link.from_ms, link.to_ms) for link in links)
    after = bisect_right(edges, event_ms)
    link = holding[0] if len(holding) == 1 else None
    return link, edges[after - 1], edges[after]


def by_beginning(row: ConsentInterval) -> tuple[int | str, ...]:
    """The order of ``consents_of``."""
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
