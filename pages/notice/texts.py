"""The text of a notice as people read it: the cells' figures stand for its placeholders."""

from typing import assert_never

from pages.words.phrases import duration_words
from pages.words.titles import Titles
from pages.words.translation import Translation
from policy.compiled import CompiledPolicy
from policy.plan.cells import PlanCell
from policy.plan.notice_figures import Edge, Figure, People, Span, Step, figure, listed, resting_on
from policy.plan.plan import Plan
from policy.vocabulary.notice_words import DataList, Part, Placeholder, parts
from policy.vocabulary.operations import MeshH3, MeshJis
from policy.vocabulary.terms import Period


def notice_text(compiled: CompiledPolicy, reference: str, titles: Titles) -> str | None:
    """The notice's text in the titles' language; None if the document has no such notice."""
    sheet = compiled.document.notices.get(reference)
    if sheet is None:
        return None
    cells = resting_on(compiled.plan, reference)
    written = parts(titles.told(sheet.content.text))
    return "".join(_told(compiled.plan, reference, cells, part, titles) for part in written)


def _told(
    plan: Plan, reference: str, cells: tuple[PlanCell, ...], part: Part, titles: Titles
) -> str:
    match part:
        case str():
            return part
        case DataList(listing):
            names = listed(cells, listing, titles.document.joint_items(reference))
            return titles.words.listed(map(titles.item, names))
        case Placeholder():
            return figure_words(figure(plan, cells, part), titles.words)
        case _:
            assert_never(part)


def figure_words(told: Figure, words: Translation) -> str:
    """One figure: ``13 months``, ``10 minutes``, ``500 m``, ``10 km/h``, ``10 people``."""
    match told:
        case Period():
            return words.period(told)
        case Span(length_ms):
            return duration_words(length_ms, words)
        case Edge(MeshJis(size_m)):
            return words.metres(size_m)
        case Edge(MeshH3(resolution)):
            return words.gettext("an H3 cell of size %(resolution)s", resolution=str(resolution))
        case Edge():
            raise AssertionError(told)
        case Step(width, unit):
            return words.measure(width, unit)
        case People(least):
            return words.ngettext("%(count)s person", "%(count)s people", least)
        case _:
            assert_never(told)
