"""The plan made ready to run: routes, verdict tables, and the slots of the tally.

Built once per plan. A tally row is a list of integers: the readings of each collected
signal first, then losses inside routes (thinned, unpaired, off the grid), then losses
of an output whose routes each keep a different part of a signal: two integers each, the second of
those that may have been thinned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from policy.plan.plan import Plan
from processors.core import time_state
from processors.latest import Latest
from processors.routes import OutputTable, Partial, Route, routes_of, tables_of
from processors.state.port import RoomPort, TimeState
from processors.time_rules import TimeRule, life_ms, time_rules_of
from telemetry.outcome import Withheld
from telemetry.signals import Signal
from telemetry.wire.record import TROUBLE_CODES

COLUMN_SETS_KEPT_MAX: Final = 10_000
DECISIONS_JUDGED_MAX: Final = 100
"""Of so many it is remembered what their readings count as."""
LossSlot = tuple[Partial, str, Withheld]
UnionSlot = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Which routes are open and in time; what a tally row is kept for."""

    linked: bool
    granted: frozenset[int]
    late: frozenset[int]
    keyless: frozenset[int]
    barred: frozenset[int]
    """Forbidden for the role of the link's person; none of them is granted."""
    ended: frozenset[int] = frozenset()
    """Past their last day; none of them is granted."""
    objected: frozenset[int] = frozenset()
    """Closed by an objection of the link's person; none of them is granted."""
    erased: frozenset[int] = frozenset()
    """Of whose events at this time the person is erased; none of them is granted."""

    @property
    def active(self) -> frozenset[int]:
        """Routes through which readings leave."""
        return self.granted - self.late - self.keyless


class Verdict(NamedTuple):
    """What a signal's readings count as at one output, under one decision."""

    place: int
    """Of the signal in a tally row."""
    refusal: Withheld | None
    """Why none of them leaves; None: all do, but for the losses."""
    losses: tuple[tuple[Withheld, int], ...] = ()
    """Reasons, and where a tally row has how many were lost."""


Verdicts = tuple[tuple[Verdict, ...], ...]
"""By output, in the order of a program's tables."""


@dataclass(slots=True, eq=False)
class Program:
    """Everything about a plan that does not depend on who and when."""

    plan: Plan
    signals: tuple[Signal, ...]
    """Collected signals that travel as columns, in the order of their paths."""
    index: dict[str, int]
    """Path to its place in a tally row; trouble codes have one too."""
    routes: tuple[Route, ...]
    tables: tuple[OutputTable, ...]
    time_rules: tuple[TimeRule, ...]
    """By their number in the state."""
    loss_slots: dict[LossSlot, int]
    union_slots: dict[UnionSlot, int]
    """The first of two."""
    width: int
    verdicts: Latest[Decision, Verdicts] = field(
        default_factory=lambda: Latest(DECISIONS_JUDGED_MAX)
    )
    """What readings count as under the decisions met last; a tally asks, and fills it."""
    _rules_on: Latest[tuple[int, ...], tuple[tuple[int, tuple[int, ...]], ...]] = field(
        default_factory=lambda: Latest(COLUMN_SETS_KEPT_MAX)
    )
    _decisions: dict[tuple[bool, *tuple[frozenset[int], ...]], Decision] = field(
        default_factory=dict
    )

    @property
    def index_of_codes(self) -> int:
        """The place of trouble codes in a tally row."""
        return len(self.signals)

    @property
    def collects_codes(self) -> bool:
        """Whether some output keeps trouble codes."""
        return TROUBLE_CODES in self.index

    @property
    def lives_ms(self) -> tuple[int, ...]:
        """By rule over time, for how long of append time a record matters to it."""
        return tuple(life_ms(rule, self.plan.late_ms) for rule in self.time_rules)

    def empty_state(self, room: RoomPort) -> TimeState:
        """What a raw partition's rules over time know before its first record."""
        return time_state(self.lives_ms, self.plan.late_ms, room)

    def rules_on(self, present: tuple[int, ...]) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """The rules over time of the columns at ``present``: number, and which columns (-1: none).

        The columns are counted as in ``present``.
        """
        found = self._rules_on.used(present)
        if found is None:
            at = {self.signals[place].path: n for n, place in enumerate(present)}
            found = tuple(
                (number, tuple(at.get(path, -1) for path in rule.paths))
                for number, rule in enumerate(self.time_rules)
                if any(path in at for path in rule.paths)
            )
            self._rules_on.keep(present, found)
        return found

    def decision(
        self,
        *,
        linked: bool,
        granted: frozenset[int] = frozenset(),
        late: frozenset[int] = frozenset(),
        keyless: frozenset[int] = frozenset(),
        barred: frozenset[int] = frozenset(),
        ended: frozenset[int] = frozenset(),
        objected: frozenset[int] = frozenset(),
        erased: frozenset[int] = frozenset(),
    ) -> Decision:
        """The one decision object for these sets (few: grounds, roles and periods decide)."""
        key = (linked, granted, late, keyless, barred, ended, objected, erased)
        if key not in self._decisions:
            self._decisions[key] = Decision(*key)
        return self._decisions[key]

    def decision_if_late(self, in_time: Decision, late: frozenset[int]) -> Decision:
        """What becomes of a decision if these routes are late."""
        return self.decision(
            linked=in_time.linked,
            granted=in_time.granted,
            late=late,
            keyless=in_time.keyless,
            barred=in_time.barred,
            ended=in_time.ended,
            objected=in_time.objected,
            erased=in_time.erased,
        )

    def decision_if_erased(self, known: Decision, erased: frozenset[int]) -> Decision:
        """What becomes of a decision for events that are erased for these routes besides."""
        gone = erased & (known.granted | known.barred | known.ended)
        return self.decision(
            linked=known.linked,
            granted=known.granted - gone,
            late=known.late - gone,
            keyless=known.keyless - gone,
            barred=known.barred - gone,
            ended=known.ended - gone,
            objected=known.objected,
            erased=known.erased | gone,
        )


def build_program(plan: Plan) -> Program:
    """Make a plan ready; pure, and the slow part (a few milliseconds) of starting."""
    columns = sorted(plan.collected - {TROUBLE_CODES})
    signals = tuple(plan.catalogue[path] for path in columns)
    index = {path: place for place, path in enumerate(columns)}
    if TROUBLE_CODES in plan.collected:
        index[TROUBLE_CODES] = len(columns)
    routes = routes_of(plan)
    tables = tables_of(plan, routes)
    width = len(columns) + 1
    loss_slots: dict[LossSlot, int] = {}
    for slot in _losses(routes):
        if slot not in loss_slots:
            loss_slots[slot] = width
            width += 1
    union_slots: dict[UnionSlot, int] = {}
    for table in tables:
        for path, wanting in table.routes.items():
            if len({p.chains[path].partial for p in wanting} - {(None, None)}) > 1:
                union_slots[table.output.id, path] = width
                width += 2
    rules = time_rules_of(routes)
    return Program(plan, signals, index, routes, tables, rules, loss_slots, union_slots, width)


def _losses(routes: Sequence[Route]) -> list[LossSlot]:
    found: list[LossSlot] = []
    for route in routes:
        for path, chain in route.chains.items():
            if chain.thin is not None:
                found.append((chain.partial, path, Withheld.NOT_REBUILT))
                found.append((chain.partial, path, Withheld.THINNED))
            if chain.mesh is not None:
                found.append((chain.partial, path, Withheld.UNPAIRED))
                found.append((chain.partial, path, Withheld.OFF_GRID))
    return found
