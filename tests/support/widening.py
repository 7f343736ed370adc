"""What a plan allows, found by doing it: no comparison of the product's own is asked.

Periods are run on a calendar, values rounded, readings thinned, positions put on their grid,
and every question a forbid may answer is asked of both plans.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import product
from math import inf
from typing import get_args

from policy.plan.forbidding import Target, hits
from policy.plan.plan import Plan
from policy.vocabulary.operations import Operation, ThinCount, ThinTime, apply, parts_of
from policy.vocabulary.periods import ends_early_ms, expires_ms
from policy.vocabulary.terms import Basis, Period
from policy.vocabulary.words import release_ms
from processors.column_operations import cell_of
from processors.thinning import first_per_bin
from telemetry.instants import DAY_MS, MINUTE_MS, Grain, parse_instant
from telemetry.wire.control import Role

START_MS = parse_instant("2026-12-03T13:37:11Z")
READ_MS = [START_MS + n * 17 * DAY_MS + n * 31 * MINUTE_MS for n in range(24)]
NUMBERS = [n / 7 for n in range(1_500)]
TIMES = [n * 700 for n in range(600)]
PLACES = [(35.6 + n / 90, 139.6 + m / 90) for n, m in product(range(25), range(25))]
EVERYONE: tuple[Role | None, ...] = (None, *get_args(Role))
FORMS = ("none", "pseudonym", "named")


@dataclass(frozen=True)
class Allowed:
    """One item one recipient gets; ``more`` grows with what is revealed, kept or spread."""

    item: tuple[str, str, str]
    more: tuple[float, ...]
    closed_to: frozenset[str]
    """Roles, and the people who did not consent."""
    abroad: frozenset[str]
    how: str

    def within(self, other: "Allowed") -> bool:
        """Whether the other one allows all that this one allows."""
        return (
            self.how == other.how
            and all(mine <= theirs for mine, theirs in zip(self.more, other.more, strict=True))
            and self.closed_to >= other.closed_to
            and self.abroad <= other.abroad
        )


def wider(old: Plan, new: Plan) -> list[str]:
    """What the new plan allows and the old one does not."""
    before: dict[tuple[str, str, str], list[Allowed]] = {}
    for one in _allowed(old):
        before.setdefault(one.item, []).append(one)
    found = [
        f"{one.item} {one.how}"
        for one in _allowed(new)
        if not any(one.within(other) for other in before.get(one.item, []))
    ]
    found += [f"{pair} together" for pair in _pairs(new) - _pairs(old)]
    found += [f"from {source}" for source in set(new.sources) - set(old.sources)]
    found += [f"of {service}" for service in set(new.services) - set(old.services)]
    found += ["without a source"] * (new.takes_source(None) > old.takes_source(None))
    found += ["without a service"] * (new.takes_service(None) > old.takes_service(None))
    found += [f"no forbid of {asked}" for asked in _forbidden(old, new) - _forbidden(new, old)]
    found += ["raw"] * (new.raw.bound_ms > old.raw.bound_ms)
    return found + ["ledger"] * (new.ledger.bound_ms > old.ledger.bound_ms)


def _allowed(plan: Plan) -> Iterator[Allowed]:
    cells = {(cell.purpose, cell.recipient): cell for cell in plan.cells}
    for output in plan.outputs:
        if output.purpose in plan.suspended:
            continue
        cell = cells[output.purpose, output.recipient]
        spread = (
            output.transport.bound_ms, output.epoch.months * 31 + output.epoch.days,
            FORMS.index(cell.identity), -(release_ms(cell.delivery.release) or 0),
        )  # fmt: skip
        for lane in output.lanes:
            for rule in lane.rules:
                more = (
                    *_lives(lane.period, lane.grain), *_least(lane.at_least), *_told(rule.operations), -lane.time_floor_ms,
                    *spread, inf if rule.until_ms is None else rule.until_ms,
                )  # fmt: skip
                yield Allowed(
                    (output.purpose, output.recipient, rule.signal), more,
                    _closed(rule.basis, rule.not_for), frozenset(cell.countries), "stream",
                )  # fmt: skip
    for cell in plan.cells:
        kept, leaves = cell.retention, cell.delivery
        for item in (*cell.signals, *cell.facts):
            if cell.delivery.mode == "stream" or cell.purpose in plan.suspended:
                continue
            more = (
                *_lives(kept.at_most, kept.grain), *_lives(kept.longest, kept.grain),
                *_least(kept.at_least), _unseen(kept.review_on),
                *_told(cell.treatment.get(item, ())), -cell.time_floor_ms, -(leaves.at_least or 0),
                FORMS.index(cell.identity), inf if cell.until_ms is None else cell.until_ms,
            )  # fmt: skip
            yield Allowed(
                (cell.purpose, cell.recipient, item), more,
                _closed(cell.basis, cell.not_for.get(item, ())), frozenset(cell.countries),
                f"{leaves.mode} {leaves.needs} {leaves.window} {kept.trigger}",
            )  # fmt: skip


def _least(at_least: Period | None) -> list[int]:
    """A minimum keeps what an event would end at once."""
    if at_least is None:
        return [0] * len(READ_MS)
    return [ends_early_ms(at_ms, at_ms, at_least, 2**62) - at_ms for at_ms in READ_MS]


def _unseen(review_on: str | None) -> float:
    return inf if review_on is None else date.fromisoformat(review_on).toordinal()


@cache
def _lives(period: Period | None, grain: Grain) -> list[float]:
    if period is None:
        return [inf] * len(READ_MS)
    return [expires_ms(at_ms, at_ms, period, grain) - at_ms for at_ms in READ_MS]


@cache
def _told(operations: tuple[Operation, ...]) -> tuple[int, int, int]:
    """How many readings, values and places can be distinguished."""
    parts = parts_of(operations)
    dt = TIMES
    for one in parts.thin:
        match one:
            case ThinTime(every_ms):
                dt = [dt[place] for place in first_per_bin(every_ms, START_MS, dt).values()]
            case ThinCount(one_in):
                dt = dt[::one_in]
    places: set[object] = set(PLACES)
    for mesh in parts.meshes:
        places = {cell_of(mesh)(*place) for place in PLACES}
    return len(dt), len({apply(parts.steps, number) for number in NUMBERS}), len(places)


def _closed(basis: Basis, not_for: tuple[Role, ...]) -> frozenset[str]:
    return frozenset(not_for) | ({"without consent"} if basis.kind.needs_consent else set())


def _pairs(plan: Plan) -> set[frozenset[str]]:
    return {frozenset((a, b)) for one in plan.combines for a in one.purposes for b in one.purposes}


def _forbidden(plan: Plan, other: Plan) -> set[tuple[object, ...]]:
    """Every question of both plans that this one's forbids answer with no."""
    aims = {
        Target(cell.purpose, cell.recipient, cell.recipient_class, cell.category, item)
        for each in (plan, other)
        for cell in each.cells
        for item in (*cell.signals, *cell.facts, *(denial.signal for denial in cell.denials))
    }
    no: set[tuple[object, ...]] = {
        (target, role)
        for forbid in plan.forbids
        for target in aims
        if hits(forbid, target)
        for role in forbid.roles or EVERYONE
    }
    purposes = {cell.purpose for each in (plan, other) for cell in each.cells}
    for forbid in plan.forbids:
        for purpose in purposes - set(forbid.exempt):
            no |= {(purpose, joined) for joined in forbid.join if forbid.purpose in (None, purpose)}
    return no
