"""Control views: compacted topics read whole into this process, and whether they are fresh."""

import asyncio
from collections.abc import Mapping
from typing import Final

from bus.failures import RowFault, UnreadableRowError
from bus.ports import Broker
from bus.view import CompactedView
from processors.people import People
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.in_force.control_rows import Rows, control_view, read_row
from roadfade.in_force.pauses import pause_of
from roadfade.in_force.quarantine import UnreadableKeys
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    LinkInterval,
    Restriction,
)
from telemetry.wire.topic_contents import Taken


class ControlViews:
    """Several views as one: started together, stale together. ``rows`` by topic."""

    def __init__(
        self, broker: Broker, rows: Mapping[str, Rows], clock: WallClock, age_ms_max: int
    ) -> None:
        self._clock = clock
        self._age_ms_max = age_ms_max
        self._rows = rows
        self._views = {
            topic: one.view(broker)
            if isinstance(one, PeopleRows)
            else control_view(broker, topic, one)
            for topic, one in rows.items()
        }

    async def run(self) -> None:
        """Read all until ``stop``; the first failure of one ends all and is raised."""
        async with asyncio.TaskGroup() as group:
            for view in self._views.values():
                group.create_task(view.run())

    async def stop(self) -> None:
        """End ``run``."""
        for view in self._views.values():
            await view.stop()

    def judging_ms(self, now_ms: int) -> int:
        """The later of a process's own time and the office's, as every view has heard it.

        An office's time is in the newest heartbeats: if the own clock is behind, what was
        withdrawn before them is withdrawn. While nothing pauses they lie close to the own time.
        """
        heard = [view.heartbeat_ms for view in self._views.values()]
        return max([now_ms, *(at_ms for at_ms in heard if at_ms is not None)])

    def pause_reason(self) -> str | None:
        """Why nothing may be decided now; None when every view is complete, fresh and read."""
        now_ms = self._clock()
        reason = None
        for topic, view in self._views.items():
            if view.heartbeat_ms is not None:
                metrics.VIEW_AGE.labels(topic).set((now_ms - view.heartbeat_ms) / 1000)
            if not view.fresh(now_ms, self._age_ms_max):
                reason = pause_of(topic, "stale" if view.complete else "incomplete")
            elif self._rows[topic].unreadable:
                reason = pause_of(topic, "unreadable")
        return reason


class PeopleRows:
    """Takes the rows of links, or of consents and restrictions, for ``people``.

    A row that cannot be read under the key of a known one makes that one unknown: nobody is
    linked to its device, its consent is gone, its restriction keeps back everything of its subject.
    Under an unknown key it may have been anything new: a link that made another ambiguous, or an
    objection of anybody's.
    """

    def __init__(self, topic: str, people: People) -> None:
        self.unreadable = UnreadableKeys()
        self._topic = topic
        self._mark, self._kinds = ROWS_OF[topic]
        self._people = people
        self._usual = people.usual_rows(self._mark, self._kinds)

    def view(self, broker: Broker) -> CompactedView:
        """The view that brings the topic's rows here, usual ones many at once."""
        usual = None if self._usual is None else self
        return control_view(broker, self._topic, self, hashes=self, usual=usual)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one row; UnreadableRowError if it cannot be read or does not belong here."""
        # A key of one topic says nothing about the rows of the other.
        marked = self._mark + key
        if value is None:
            self._people.apply(marked, None)
        else:
            try:
                row = self._belonging(key, read_row(value))
            except UnreadableRowError:
                if not self._people.withhold(marked):
                    self.unreadable.add(key)
                raise
            self._people.apply(marked, row)
        self.unreadable.discard(key)

    def take_usual(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        start: int,
        partition: int,
        partitions: int,
    ) -> Taken:
        """As ``UsualRows``; none if each row has to be applied by itself."""
        if self._usual is None:
            return Taken(start, 0, 0)
        taken = self._usual.take_usual(keys, values, start, partition, partitions)
        if self.unreadable:
            for key in keys[start : taken.until]:
                if key is not None:
                    self.unreadable.discard(key)
        return taken

    def row_hash(self, key: bytes) -> int | None:
        """As ``RowHashes``: people keep it beside the row."""
        return self._people.row_hash(self._mark + key)

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """As ``RowHashes``."""
        self._people.keep_hash(self._mark + key, hashed)

    def drop_hash(self, key: bytes) -> None:
        """As ``RowHashes``: it went with the row."""

    def _belonging(self, key: bytes, row: ControlRow) -> ControlRow:
        if not isinstance(row, self._kinds):
            raise UnreadableRowError(RowFault.FOREIGN)
        match row:
            case LinkInterval():
                own = row.link.encode() == key
            case ConsentInterval():
                own = row.consent.encode() == key
            case Restriction():
                own = row.restriction.encode() == key
            case _:
                own = True  # a registration does not hold its row id
        if not own:
            raise UnreadableRowError(RowFault.FOREIGN)
        return row


ROWS_OF: Final[Mapping[str, tuple[bytes, tuple[type[ControlRow], ...]]]] = {
    CONTROL_LINKS: (b"l", (DeviceRegistration, LinkInterval)),
    CONTROL_CONSENTS: (b"c", (ConsentInterval, Restriction)),
}
"""By topic: what marks its keys, and the rows it has."""
