"""What the placeholders of a notice stand for: figures of the cells that rest on it.

All cells that a placeholder can mean must say the same, or it means none.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, assert_never

from policy.plan.cells import PlanCell
from policy.plan.plan import Plan
from policy.vocabulary.notice_words import Listing, Placeholder
from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import MeshH3, MeshJis, Parts, ThinTime, parts_of, width
from policy.vocabulary.terms import Period
from policy.vocabulary.words import WordError, format_duration


class Span(NamedTuple):
    """A fixed length of time."""

    length_ms: int

    def __str__(self) -> str:
        return format_duration(self.length_ms)


class Step(NamedTuple):
    """How far apart two values are that leave as neighbours."""

    width: float
    unit: str

    def __str__(self) -> str:
        return f"{self.width:g} {self.unit}".strip()


class Edge(NamedTuple):
    """The cell of a grid that a position becomes."""

    mesh: MeshJis | MeshH3

    def __str__(self) -> str:
        return format_operation(self.mesh, "").removeprefix("mesh ")


class People(NamedTuple):
    """The smallest group that a figure shows."""

    least: int

    def __str__(self) -> str:
        return f"{self.least} people"


Figure = Period | Span | Step | Edge | People


def resting_on(plan: Plan, notice: str) -> tuple[PlanCell, ...]:
    """The cells that rest on the notice, in the plan's order."""
    return tuple(cell for cell in plan.cells if cell.basis.notice == notice)


def listed(
    cells: Sequence[PlanCell], listing: Listing, joint: tuple[str, ...] | None
) -> tuple[str, ...]:
    """What ``{data}`` or ``{items}`` stands for: names of categories or of facts, each once.

    ``joint``: the items of joint use, if that is what the notice announces; then those.
    """
    if joint is not None:
        return joint
    match listing:
        case "data":
            return tuple(dict.fromkeys(cell.category for cell in cells))
        case "items":
            return tuple(dict.fromkeys(fact for cell in cells for fact in cell.facts))
        case _:
            assert_never(listing)


def is_shown(cells: Sequence[PlanCell], joint: tuple[str, ...] | None) -> bool:
    """Whether a page shows the notice: something is kept under it, or it announces joint use."""
    return joint is not None or any(cell.signals or cell.facts for cell in cells)


def figure(plan: Plan, cells: Sequence[PlanCell], asked: Placeholder) -> Figure:
    """What the placeholder stands for; WordError if that is nothing, or several things."""
    meant = [
        cell
        for cell in cells
        if cell.category == asked.category and asked.line in (None, cell.line + 1)
    ]
    if not meant:
        message = f"{asked} means no cell that rests on this notice"
        known = ", ".join(dict.fromkeys(f"{cell.category}#{cell.line + 1}" for cell in cells))
        raise WordError(message, f"name one of: {known or 'none rests on it'}")
    found = list(dict.fromkeys(one for cell in meant for one in _told(plan, cell, asked)))
    if not found:
        message = f"{asked} stands for nothing: the cell has no such figure"
        raise WordError(message, "remove it, or give the cell what it tells")
    if len(found) > 1:
        message = f"{asked} stands for several things: {', '.join(map(str, found))}"
        remedy = f"name the line, as `{{{asked.category}#1.{asked.telling}}}`, or the signal"
        raise WordError(message, f"{remedy}; else rest the cells on notices of their own")
    return found[0]


def _told(plan: Plan, cell: PlanCell, asked: Placeholder) -> Iterable[Figure]:
    match asked.telling:
        case "keep":
            found: tuple[Figure | None, ...] = (cell.retention.at_most,)
        case "least":
            found = (cell.retention.at_least,)
        case "cap":
            found = (cell.retention.cap,)
        case "time":
            found = (Span(cell.time_floor_ms) if cell.time_floor_ms else None,)
        case "people":
            least = cell.delivery.at_least
            found = (None if least is None else People(least),)
        case "place":
            found = tuple(Edge(mesh) for done in _done(cell, asked) for mesh in done[1].meshes)
        case "every":
            thin = (one for _, done in _done(cell, asked) for one in done.thin)
            found = tuple(Span(one.every_ms) for one in thin if isinstance(one, ThinTime))
        case "step":
            found = tuple(
                Step(max(map(width, done.steps)), plan.catalogue[path].unit)
                for path, done in _done(cell, asked)
                if done.steps
            )
        case _:
            assert_never(asked.telling)
    return (one for one in found if one is not None)


def _done(cell: PlanCell, asked: Placeholder) -> Iterable[tuple[str, Parts]]:
    """What is done to each signal, or to the one that is asked for."""
    for path, operations in cell.treatment.items():
        if asked.signal in (None, path):
            yield path, parts_of(operations)
