"""Cells as lines of a table: which data, how fine, how long, who receives it, on what ground.

The notice and a purpose's own page show the same lines, so that neither says more than the other.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from pages.words.phrases import (
    DELIVERIES,
    GROUNDS,
    NEEDS,
    duration_words,
    keep_words,
    precision_words,
)
from pages.words.recipients import country_words, recipient_words
from pages.words.titles import Titles
from policy.plan.carried_out import lacking
from policy.plan.cells import PlanCell
from policy.plan.plan import Plan
from policy.vocabulary.capabilities import Capability
from policy.vocabulary.words import release_ms
from telemetry.signals import Kind

HOME: Final = "JP"
"""The controller's own country, which is not abroad."""


class Row(NamedTuple):
    """One line, and whether the program carries out all of it."""

    cells: list[str]
    """Data, fineness, period, recipients, ground."""
    carried_out: bool


class _Alike(NamedTuple):
    """What cells of one row share beside recipients and categories."""

    fine: str
    kept: str
    ground: str
    carried_out: bool


def shown_cells(plan: Plan, purpose: str) -> list[PlanCell]:
    """The cells of a purpose under which something is used; denied ones are in no table."""
    own = (cell for cell in plan.cells if cell.purpose == purpose)
    return [cell for cell in own if cell.signals or cell.facts]


def rows(
    cells: Sequence[PlanCell], plan: Plan, titles: Titles, *, classed: bool = True
) -> list[Row]:
    """One row for recipients, then categories, that share all else.

    ``classed``: also as what each recipient receives, unless the page says that elsewhere.
    """
    words = titles.words
    recipients: dict[tuple[str, _Alike], list[str]] = {}
    for cell in cells:
        erased = cell.on_withdrawal == "erase"
        kept = keep_words(cell.retention, words, titles.until(cell), erased=erased)
        ground = words.gettext(GROUNDS[cell.basis.kind])
        alike = _Alike(_fineness(cell, plan, titles), kept, ground, not lacking(cell))
        key = (_data(cell, cells, titles), alike)
        recipients.setdefault(key, []).append(_recipient(cell, titles, classed=classed))
    found: dict[tuple[str, _Alike], list[str]] = {}
    for (category, alike), who in recipients.items():
        receiving = words.listed_apart(dict.fromkeys(who))
        found.setdefault((receiving, alike), []).append(category)
    return [
        Row([words.listed(names), one.fine, one.kept, who, one.ground], one.carried_out)
        for (who, one), names in found.items()
    ]


def _data(cell: PlanCell, cells: Sequence[PlanCell], titles: Titles) -> str:
    """Its category; its facts if others of the same category end otherwise on this page."""
    alike = (one for one in cells if one.category == cell.category and one.facts)
    if not cell.facts or len({one.retention for one in alike}) == 1:
        return titles.item(cell.category)
    return titles.words.listed(map(titles.item, cell.facts))


def _recipient(cell: PlanCell, titles: Titles, *, classed: bool) -> str:
    recipient, words = titles.receives(cell.purpose, cell.recipient), titles.words
    abroad = country_words((code for code in recipient.countries if code != HOME), words)
    where = words.gettext("also abroad: %(countries)s", countries=abroad) if abroad else ""
    return recipient_words(recipient, words, where, classed=classed)


def _fineness(cell: PlanCell, plan: Plan, titles: Titles) -> str:
    words = titles.words
    delivery = NEEDS.get(cell.delivery.needs or "", DELIVERIES[cell.delivery.mode])
    parts = [] if delivery is None else [words.gettext(delivery)]
    if cell.delivery.at_least is not None:
        count = words.number(cell.delivery.at_least)
        parts.append(words.gettext("at least %(count)s people in each figure", count=count))
    if cell.signals and cell.precision is not None:
        precision = titles.document.precisions.content.precisions[cell.precision]
        placed = any(plan.catalogue[path].kind is Kind.POSITION for path in cell.signals)
        space = precision.space if placed else None
        parts.append(precision_words(space, precision.time, words))
    window_ms = release_ms(cell.delivery.release)
    if window_ms is not None:
        gathered = duration_words(window_ms, words)
        parts.append(
            words.gettext("gathered for %(duration)s before it is passed on", duration=gathered)
        )
    if cell.recipient_class == "third_party":
        parts.append(words.gettext("each provision is put on record"))
    if Capability.OTHER_OPERATIONS in lacking(cell):
        parts.append(words.gettext("some of it only once it can be made coarse enough"))
    return words.listed_apart(parts) or "-"
