"""What every store has to hold at an instant, by the policy's words: as plain as it can be said.

In: what happened, in order. Out: rows as (output, envelope, signal, time). A row is there from its
arrival to its end, unless something that happened ends it earlier. Nothing of the program is used.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.walk.words import ASKED, MESH, PLACE, Cell, Policy, day_of, later, matches, month_of

Key = tuple[str, int, str, int]
"""Output, number of the envelope, signal, time."""


@dataclass
class Link:
    """Whose a device is: ``[from_ms, to_ms)``."""

    device: str
    subject: str
    role: str
    from_ms: int
    to_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)


@dataclass
class Consent:
    """A person's word, ``[from_ms, to_ms)``."""

    subject: str
    purpose: str
    basis: str
    recipient: str | None
    from_ms: int
    to_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)


class Withheld(NamedTuple):
    """Nothing of this comes in any more."""

    subject: str
    purposes: Collection[str] | None
    from_ms: int
    to_ms: int | None

    def means(self, subject: str, purpose: str, at_ms: int) -> bool:
        named = self.purposes is None or purpose in self.purposes
        within = self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)
        return self.subject == subject and named and within


@dataclass
class Objection:
    """What comes while it lasts is kept back, of whatever time it is."""

    subject: str
    purpose: str
    from_ms: int
    to_ms: int | None = None


class Row(NamedTuple):
    """A row that a store has, or had."""

    key: Key
    cell: Cell
    link: Link
    consent: Consent | None
    bin_ms: int
    arrived_ms: int
    end_ms: int

    def stands_within(self, from_ms: int | None, to_ms: int | None) -> bool:
        """Whether some of what its time stands for lies there."""
        ends_ms = self.bin_ms + self.cell.floor_ms
        return (from_ms is None or ends_ms > from_ms) and (to_ms is None or self.bin_ms < to_ms)


@dataclass
class Ending:
    """From ``when_ms`` on no row is there that is meant."""

    when_ms: int
    means: Callable[[Row], bool]
    until_ms: int | None = None
    """A reading of then or later is meant for what its bin stands for beside it, if at all."""


@dataclass
class Event:
    """Something that happened, as it was recorded."""

    kind: str
    endings: list[Ending] = field(default_factory=list)
    late: list["Late"] = field(default_factory=list)


class Late(NamedTuple):
    """What comes from ``when_ms`` on of an ended life is kept back."""

    when_ms: int
    output: str
    subject: str | None
    from_ms: int
    to_ms: int

    def means(self, output: str, subject: str, at_ms: int, now_ms: int) -> bool:
        theirs = (self.output, self.subject) == (output, subject)
        return theirs and self.when_ms <= now_ms and self.from_ms <= at_ms < self.to_ms


class Model:
    """What happened so far."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.links: list[Link] = []
        self.consents: list[Consent] = []
        self.withheld: list[Withheld] = []
        self.objections: list[Objection] = []
        self.rows: list[Row] = []
        self.endings: list[Ending] = []
        self.events: list[Event] = []
        self.covered: set[str] = set()
        """Cells of which there ever was a row."""
        self.either: set[Key] = set()
        """Rows of readings after an erased interval, in a bin that reaches into it, which came after
        it was erased. Stores refuse them, unless they are the first of their epoch: no command can
        name a pseudonym that nobody could compute. Nothing erased is in them."""

    def at(self, now_ms: int) -> set[Key]:
        """What is there now."""
        return {row.key for row in self.rows if self._is_there(row, now_ms)}

    def next_date(self, after_ms: int) -> int | None:
        """The next instant at which something ends, by period or event."""
        dates = {row.end_ms for row in self.rows} | {one.when_ms for one in self.endings}
        return min((one for one in dates if one > after_ms), default=None)

    def is_event_date(self, date_ms: int) -> bool:
        """Whether something ends then that would have lasted longer."""
        return any(one.when_ms == date_ms for one in self.endings)

    def _is_there(self, row: Row, now_ms: int) -> bool:
        ended = any(one.when_ms <= now_ms and one.means(row) for one in self.endings)
        return row.arrived_ms <= now_ms < row.end_ms and not ended

    def links_device(self, device: str, subject: str, role: str, now_ms: int) -> None:
        """Whoever had it before has it no more."""
        for link in self.links:
            if link.device == device and link.to_ms is None:
                link.to_ms = now_ms
        self.links.append(Link(device, subject, role, now_ms))

    def agrees(self, subject: str, asked: tuple[str, str, str | None], now_ms: int) -> None:
        """Nothing if the same consent is open."""
        same = [one for one in self.consents if one.subject == subject and one.to_ms is None]
        if asked not in [(one.purpose, one.basis, one.recipient) for one in same]:
            self.consents.append(Consent(subject, *asked, now_ms))

    def withdraws(self, subject: str, purpose: str, at_ms: int, now_ms: int, *, all_: bool) -> None:
        """What rests on it and is of later goes, and all of it if that is asked."""
        mine = [one for one in self.consents if (one.subject, one.purpose) == (subject, purpose)]
        for one in mine:
            if one.to_ms is None or at_ms < one.to_ms:
                one.to_ms = max(at_ms, one.from_ms)

        def means(row: Row) -> bool:
            rests = any(row.consent is one for one in mine)
            return rests and (all_ or row.stands_within(at_ms, None))

        self.endings.append(Ending(now_ms, means))

    def happens(
        self, kind: str, subject: str | None, device: str | None, at_ms: int, now_ms: int
    ) -> None:
        """What was recorded before it goes on the day its period is over."""
        known = [one for one in self.links if one.subject == subject and one.from_ms < at_ms]

        def whose(row: Row) -> bool:
            if device is not None:
                return row.link.device == device and row.link.from_ms < at_ms
            return row.link.subject == subject and bool(known)

        event = Event(kind)
        since = [one for one in self.links if one.device == device and one.from_ms < at_ms]
        spans: list[tuple[str | None, int, int]]
        spans = [(one.subject, one.from_ms, min(at_ms, one.to_ms or at_ms)) for one in since]
        if known:
            spans = [(subject, -1, at_ms)]
        periods = {one.after_event for one in self.policy.cells if one.event == kind}
        for period in periods - {None}:
            assert period is not None
            cells = [
                one for one in self.policy.cells if (one.event, one.after_event) == (kind, period)
            ]

            def means(row: Row, cells: list[Cell] = cells) -> bool:
                return row.cell in cells and whose(row) and row.stands_within(None, at_ms)

            when_ms = max(day_of(later(at_ms, period)), now_ms)
            event.endings.append(Ending(when_ms, means))
            # What is of before and comes later than that is kept back for the whole output.
            event.late += [Late(when_ms, one.output, *span) for one in cells for span in spans]
        self.events.append(event)
        self.endings += event.endings

    def takes_back(self, number: int, now_ms: int) -> bool:
        """False: something was deleted because of it already, so it stays."""
        event = self.events[number]
        if any(one.when_ms <= now_ms for one in event.endings):
            return False
        self.endings = [one for one in self.endings if one not in event.endings]
        event.late = []
        return True

    def erases(
        self,
        subject: str,
        purposes: Collection[str] | None,
        device: str | None,
        from_ms: int | None,
        to_ms: int | None,
        now_ms: int,
    ) -> None:
        """All that is named has to hold of a row; what comes of it later is kept back."""
        whole = (purposes, device, from_ms, to_ms) == (None, None, None, None)
        links = [one for one in self.links if one.subject == subject]
        if device is not None:
            links = [one for one in links if one.device == device]
        end_ms = None if whole else now_ms if to_ms is None else to_ms
        since_ms = -1 if from_ms is None else from_ms

        def means(row: Row) -> bool:
            named = purposes is None or row.cell.purpose in purposes
            mine = any(row.link is one for one in links)
            return mine and named and row.stands_within(from_ms, end_ms)

        self.endings.append(Ending(now_ms, means, end_ms))
        spans = [(since_ms, end_ms)]
        if device is not None:
            ends = [[end for end in (one.to_ms, end_ms) if end is not None] for one in links]
            spans = [
                (max(since_ms, one.from_ms), min(some))
                for one, some in zip(links, ends, strict=True)
            ]
        self.withheld += [Withheld(subject, purposes, *span) for span in spans]

    def objects(self, subject: str, purpose: str, now_ms: int) -> None:
        """Until it is lifted."""
        self.objections.append(Objection(subject, purpose, now_ms))

    def lifts(self, number: int, now_ms: int) -> None:
        """End an objection."""
        self.objections[number].to_ms = now_ms

    def reads(
        self, number: int, device: str, signals: Collection[str], t_ms: int, now_ms: int
    ) -> None:
        """A vehicle's reading of one instant comes in."""
        link = next((one for one in self.links if one.device == device and one.holds(t_ms)), None)
        if link is None:
            return
        for cell in self.policy.cells:
            names = [signal for signal in signals if self._takes(cell, signal)]
            row = self._row_of(cell, link, number, t_ms, now_ms)
            if names and row is not None:
                self.covered.add(cell.id)
                on_edge = any(
                    one.until_ms is not None and one.until_ms <= t_ms and one.means(row)
                    for one in self.endings
                )
                for name in sorted({_stored(cell, name) for name in names}):
                    key = cell.output, number, name, row.bin_ms
                    self.rows.append(row._replace(key=key))
                    self.either |= {key} if on_edge else set()

    def _takes(self, cell: Cell, signal: str) -> bool:
        if self.policy.of(signal) != cell.category or not cell.built:
            return False
        return cell.only is None or any(matches(one, signal) for one in cell.only)

    def _row_of(self, cell: Cell, link: Link, number: int, t_ms: int, now_ms: int) -> Row | None:
        if link.role in cell.closed_to or self._is_kept_back(cell, link.subject, t_ms, now_ms):
            return None
        consent = None
        if cell.basis in ASKED:
            consent = self._covering(cell, link.subject, t_ms, now_ms)
            if consent is None:
                return None
        began_ms = min(t_ms, now_ms)
        began_ms -= began_ms % 60_000
        end_ms = later(began_ms - began_ms % cell.floor_ms, cell.period)
        end_ms = month_of(end_ms) if cell.by_month else day_of(end_ms)
        if end_ms - now_ms < self.policy.topic_ms:
            return None  # it would outlive its end on the topic
        bin_ms = t_ms - t_ms % cell.floor_ms
        return Row(("", number, "", bin_ms), cell, link, consent, bin_ms, now_ms, end_ms)

    def _covering(self, cell: Cell, subject: str, t_ms: int, now_ms: int) -> Consent | None:
        """One and the same has to hold for the reading's time and for now."""
        asked = subject, cell.purpose, cell.basis, cell.recipient
        for one in self.consents:
            same = (one.subject, one.purpose, one.basis, one.recipient) == asked
            if same and one.holds(t_ms) and one.holds(now_ms):
                return one
        return None

    def _is_kept_back(self, cell: Cell, subject: str, t_ms: int, now_ms: int) -> bool:
        late = (one for event in self.events for one in event.late)
        return (
            any(one.means(subject, cell.purpose, t_ms) for one in self.withheld)
            or any(one.means(cell.output, subject, t_ms, now_ms) for one in late)
            or any(
                (one.subject, one.purpose) == (subject, cell.purpose) and one.to_ms is None
                for one in self.objections
            )
        )


def _stored(cell: Cell, signal: str) -> str:
    """A coarse place is one row; an exact one is two."""
    return MESH if signal in PLACE and not cell.exact_place else signal
