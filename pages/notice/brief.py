"""The four sentences that a driver looks for first: what, why, how long, how to stop it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pages.cell_rows import shown_cells
from pages.purpose_order import in_clause_order
from pages.words.titles import Titles
from policy.compiled import CompiledPolicy
from policy.plan.cells import PlanCell
from policy.vocabulary.periods import shortest_ms


class Answer(NamedTuple):
    """A question and its answer, which is one sentence."""

    asked: str
    told: str


def brief(compiled: CompiledPolicy, titles: Titles) -> list[Answer]:
    """The four, each made from the cells; empty if nothing is collected."""
    words, plan = titles.words, compiled.plan
    purposes = [sheet.content.purpose for sheet in in_clause_order(compiled.document)]
    by_purpose = {name: cells for name in purposes if (cells := shown_cells(plan, name))}
    cells = [cell for own in by_purpose.values() for cell in own]
    if not cells:
        return []
    contact = compiled.document.policy.content.controller.contact
    stop = words.gettext(
        "You can take a consent back at any time; to stop anything else, write to %(contact)s.",
        contact=contact,
    )
    return [
        Answer(words.gettext("What"), _what(cells, titles)),
        Answer(words.gettext("Why"), _why(by_purpose, titles)),
        Answer(words.gettext("How long"), _how_long(cells, titles)),
        Answer(words.gettext("How to stop it"), stop),
    ]


def _what(cells: Sequence[PlanCell], titles: Titles) -> str:
    words = titles.words
    measured = sorted({cell.category for cell in cells if cell.signals})
    stated = sorted({cell.category for cell in cells if cell.facts})
    car, rest = (words.listed(map(titles.item, found)) for found in (measured, stated))
    if not stated:
        return words.gettext("We collect from your car: %(car)s.", car=car)
    if not measured:
        return words.gettext(
            "We collect from your contract and your use of the service: %(rest)s.", rest=rest
        )
    return words.gettext(
        "We collect from your car: %(car)s; and from your contract and your use of the service: "
        "%(rest)s.",
        car=car,
        rest=rest,
    )


def _why(by_purpose: Mapping[str, Sequence[PlanCell]], titles: Titles) -> str:
    words = titles.words
    asked = sum(any(cell.basis.kind.needs_consent for cell in own) for own in by_purpose.values())
    return words.gettext(
        "We use it for %(count)s purposes, the first of which is “%(first)s”; for %(asked)s of "
        "them, wholly or in part, only with your consent.",
        count=words.number(len(by_purpose)),
        first=titles.purpose(next(iter(by_purpose))),
        asked=words.number(asked),
    )


def _how_long(cells: Sequence[PlanCell], titles: Titles) -> str:
    words = titles.words
    streamed = [cell.retention.longest for cell in cells if cell.delivery.mode == "stream"]
    known = [period for period in streamed if period is not None]
    if not known:
        return words.gettext("Each kind of data has the period of its line below.")
    return words.gettext(
        "What streams from your car is erased after %(period)s at most; all else has the period "
        "of its line below.",
        period=words.period(max(known, key=shortest_ms)),
    )
