"""The plan's lanes as the hot path uses them: split by ground and roles, chains taken apart.

A *route* is one lane on one ground for the same people and until the same day: it is granted or
withheld as a whole, leaves as one record, and names one basis. Splitting by ground keeps one
consent from opening what needs another; splitting by roles limits a forbid for some people to
those people.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from policy.plan.digest import digest
from policy.plan.plan import Lane, Output, Plan, Rule
from policy.vocabulary.operations import (
    Bucket,
    Drop,
    Keep,
    Mesh,
    MeshH3,
    MeshJis,
    Round,
    ThinCount,
    ThinTime,
    Unsupported,
)
from policy.vocabulary.operations import Thin as ThinOperation
from policy.vocabulary.terms import Basis
from processors.column_operations import Valued
from telemetry.outcome import Withheld
from telemetry.wire.control import Role

Partial = tuple[ThinOperation | None, Mesh | None]
"""The part of a chain by which readings can be lost; (None, None) loses nothing."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What one route does to one signal."""

    path: str
    thin: ThinOperation | None
    mesh: Mesh | None
    values: tuple[Valued, ...]

    @property
    def partial(self) -> Partial:
        """By which readings can be lost."""
        return self.thin, self.mesh


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One lane of one output on one ground."""

    index: int
    name: str
    """Unique in the plan: enters the record ids. It names what a record holds, not how long or
    on which ground: docs/decisions/009-a-version-takes-over.md."""
    output: Output
    lane: Lane
    basis: Basis
    chains: Mapping[str, Chain]
    not_for: tuple[Role, ...] = ()
    """Roles whose people it is closed to, whatever they agreed to."""
    until_ms: int | None = None
    """The instant from which it is closed to everyone."""


@dataclass(frozen=True, slots=True, eq=False)
class OutputTable:
    """One output's verdicts: the routes that want a signal, and why others are denied."""

    output: Output
    routes: Mapping[str, tuple[Route, ...]]
    denials: Mapping[str, Withheld]


def routes_of(plan: Plan) -> tuple[Route, ...]:
    """Every route of the plan that is not suspended, in the plan's order.

    Raises if a rule holds an operation that is not known here or lets nothing through:
    what cannot be treated must not start.
    """
    found: list[Route] = []
    alike = Counter[str]()
    for output in plan.outputs:
        if output.purpose in plan.suspended:
            continue
        for lane in output.lanes:
            rules = {_together(rule): dict[str, Chain]() for rule in lane.rules}
            for rule in lane.rules:
                rules[_together(rule)][rule.signal] = _chain(rule)
            for (basis, not_for, until_ms), chains in rules.items():
                holds = f"{output.purpose}/{output.recipient}/{digest(lane.time_floor_ms, chains)}"
                alike[holds] += 1
                name = f"{holds}/{alike[holds]}"
                who = basis, chains, not_for, until_ms
                found.append(Route(len(found), name, output, lane, *who))
    return tuple(found)


def _together(rule: Rule) -> tuple[Basis, tuple[Role, ...], int | None]:
    """What rules of one lane must share to be granted or withheld as one."""
    return rule.basis, rule.not_for, rule.until_ms


def tables_of(plan: Plan, routes: tuple[Route, ...]) -> tuple[OutputTable, ...]:
    """One table of verdicts per output."""
    tables = []
    for output in plan.outputs:
        mine = [p for p in routes if p.output is output]
        wanted = {
            path: tuple(p for p in mine if path in p.chains) for p in mine for path in p.chains
        }
        denials = {denial.signal: denial.reason for denial in output.denials}
        if output.purpose in plan.suspended:
            rules = (rule for lane in output.lanes for rule in lane.rules)
            denials |= dict.fromkeys((rule.signal for rule in rules), Withheld.SUSPENDED)
        tables.append(OutputTable(output, wanted, denials))
    return tuple(tables)


def _chain(rule: Rule) -> Chain:
    thin: ThinOperation | None = None
    mesh: Mesh | None = None
    values: list[Valued] = []
    for operation in rule.operations:
        match operation:
            case ThinTime() | ThinCount():
                thin = operation
            case MeshJis() | MeshH3():
                mesh = operation
            case Keep() | Round() | Bucket():
                values.append(operation)
            case Drop() | Unsupported():
                msg = f"{rule.id} lets nothing through but is among the permits"
                raise ValueError(msg)
            case _:
                assert_never(operation)
    return Chain(rule.signal, thin, mesh, tuple(values))
