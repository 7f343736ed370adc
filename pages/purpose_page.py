"""One purpose on one page: what is collected, from whom, why it may be, how long, how to stop it.

Made from the plan, in so few words that people read it to the end. Its lines are those of the
notice, and so are their states: what the program does not carry out is marked, and listed.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from pages.cell_rows import rows, shown_cells
from pages.markup import page
from pages.words.forbids import never
from pages.words.phrases import GROUNDS, LACKING, ROLE_PHRASES
from pages.words.titles import Titles
from pages.words.translation import phrase
from policy.compiled import CompiledPolicy
from policy.language.document import Document
from policy.language.purpose_file import Purpose
from policy.plan.carried_out import lacking
from policy.plan.cells import PlanCell
from policy.vocabulary.bilingual import Language
from policy.vocabulary.capabilities import Capability
from policy.vocabulary.terms import BasisKind

CELLS_SHOWN: Final = slice(0, 4)
"""All of a line but its ground, which has a part of its own on this page."""
BINDING: Final = ("law", "guideline", "order")
FACTS_SHOWN_MAX: Final = 12
"""More facts than these are told by their categories: the page is read to its end."""


class _Stop(NamedTuple):
    told: str
    ground: str
    """Empty if all data of the purpose is stopped so."""


_CONSENT: Final = phrase(
    "You can refuse, and take your consent back at any time. What is kept already ends as stated "
    "above."
)
_LAW: Final = phrase(
    "The law requires or allows this use. We may have to refuse a request to stop it, and then say "
    "why."
)
_OURS: Final = phrase(
    "This use needs no consent. You can ask us to stop it, or to erase what we keep."
)
_NEVER_TURNED_BACK: Final = phrase(
    "This use needs no consent. You can ask us to take in nothing more. What is kept does not say "
    "whose it is, is not turned back, and ends as stated above."
)
_STREAMED: Final = phrase(
    "You can refuse, and take your consent back at any time. From then on our systems pass nothing "
    "more on; what is kept already ends as stated above."
)

_ERASED: Final = phrase(
    "You can refuse, and take your consent back at any time. From then on our systems pass nothing "
    "more on, and erase what they kept on this ground."
)


def purpose_page(compiled: CompiledPolicy, purpose: str, language: Language) -> str:
    """The page of one purpose; KeyError if the document has no such purpose."""
    plan, document = compiled.plan, compiled.document
    content, policy = document.page(purpose), document.policy.content
    titles = Titles(document, language)
    cells = shown_cells(plan, purpose)
    within = all(cell.recipient_class == "internal" for cell in cells)
    lines = rows(cells, plan, titles, classed=not within)
    words = titles.words
    carried = sum(row.carried_out for row in lines)
    return page(
        "purpose.html.j2",
        language,
        title=titles.told(content.title),
        clause=content.seed,
        version=plan.policy_version,
        since=words.date(policy.effective),
        suspended=content.suspended,
        sources=_sources(cells, titles),
        kept_out=_kept_out(cells, titles),
        rows=[row.cells[CELLS_SHOWN] for row in lines],
        within=within,
        grounds=_grounds(cells, titles),
        cited=words.listed_apart(_cited(cells, titles)),
        told_on=words.listed(map(words.date, _told_on(cells, document))),
        carried=words.number(carried),
        every=words.number(len(lines)),
        waiting=_waiting(cells, titles),
        forbids=never(
            (one for one in content.forbids if one.when is None), titles, everywhere=False
        ),
        stops=_stops(cells, titles, kept_apart=_kept_apart(content)),
        contact=policy.controller.contact,
    )


def _cited(cells: Iterable[PlanCell], titles: Titles) -> tuple[str, ...]:
    """The laws, guidelines and orders; clauses of the company's own policy are no ground."""
    known = titles.document.authorities.content.authorities
    cites = dict.fromkeys(name for cell in cells for name in cell.cites)
    return tuple(titles.told(known[one].title) for one in cites if known[one].kind in BINDING)


def _told_on(cells: Iterable[PlanCell], document: Document) -> list[date]:
    """The days of the notices that told people of it."""
    notices = {cell.basis.notice for cell in cells}
    return sorted({document.notices[name].content.effective for name in notices})


def _sources(cells: Sequence[PlanCell], titles: Titles) -> list[str]:
    """Where the data comes from: the car, or what people state and what their use brings about."""
    words = titles.words
    found = []
    measured = [cell.category for cell in cells if cell.signals]
    if measured:
        data = _named(measured, titles)
        found.append(words.gettext("From the car, once it is linked to you: %(data)s", data=data))
    facts = dict.fromkeys(fact for cell in cells for fact in cell.facts)
    if facts:
        many = len(facts) > FACTS_SHOWN_MAX
        stated = (cell.category for cell in cells if cell.facts) if many else facts
        data = _named(stated, titles)
        found.append(
            words.gettext("From your contract and your use of the service: %(data)s", data=data)
        )
    return found


def _kept_out(cells: Iterable[PlanCell], titles: Titles) -> list[str]:
    """Whose data stays out although everybody else's is used, as a forbid has it."""
    roles: dict[str, list[str]] = {}
    for cell in cells:
        for role in dict.fromkeys(role for item in cell.not_for.values() for role in item):
            roles.setdefault(titles.words.gettext(ROLE_PHRASES[role]), []).append(cell.category)
    people: dict[str, list[str]] = {}
    for who, categories in roles.items():
        people.setdefault(_named(categories, titles), []).append(who)
    words = titles.words
    return [
        words.gettext("Not used of %(people)s: %(data)s", people=words.listed(who), data=data)
        for data, who in people.items()
    ]


def _named(names: Iterable[str], titles: Titles) -> str:
    """Categories or facts by their titles, each once."""
    return titles.words.listed(map(titles.item, dict.fromkeys(names)))


def _of(all_cells: Iterable[PlanCell], categories: Sequence[str], titles: Titles) -> str:
    """Which data a line is about: by name, or ``all of it``."""
    if {cell.category for cell in all_cells} <= set(categories):
        return titles.words.gettext("all of it")
    return _named(categories, titles)


def _grounds(cells: Sequence[PlanCell], titles: Titles) -> list[str]:
    """Each ground with the data that rests on it."""
    words = titles.words
    found: dict[BasisKind, list[str]] = {}
    for cell in cells:
        found.setdefault(cell.basis.kind, []).append(cell.category)
    return [
        words.gettext(
            "%(about)s: %(told)s",
            about=words.gettext(GROUNDS[kind]),
            told=_of(cells, categories, titles),
        )
        for kind, categories in found.items()
    ]


def _waiting(cells: Sequence[PlanCell], titles: Titles) -> list[str]:
    """What the program lacks to carry the purpose out, each with the data it is about."""
    words = titles.words
    found: dict[Capability, list[str]] = {}
    for cell in cells:
        for one in lacking(cell):
            found.setdefault(one, []).append(cell.category)
    alike: dict[str, list[str]] = {}
    for one, categories in found.items():
        alike.setdefault(_of(cells, categories, titles), []).append(words.gettext(LACKING[one]))
    return [
        words.gettext("%(about)s: %(told)s", about=words.listed(lacks), told=data)
        for data, lacks in alike.items()
    ]


def _stops(cells: Sequence[PlanCell], titles: Titles, *, kept_apart: bool) -> list[_Stop]:
    """What a person can do against it, by the ground that the data rests on."""
    words = titles.words
    found: dict[str, list[str]] = {}
    for cell in cells:
        ground = words.gettext("“%(ground)s”", ground=words.gettext(GROUNDS[cell.basis.kind]))
        found.setdefault(_way(cell, kept_apart=kept_apart), []).append(ground)
    return [
        _Stop(words.gettext(way), words.listed(dict.fromkeys(grounds)) if len(found) > 1 else "")
        for way, grounds in found.items()
    ]


def _kept_apart(content: Purpose) -> bool:
    """Whether its records bear pseudonyms and are never joined with who is who."""
    return content.identity.form == "pseudonym" and any(one.join for one in content.forbids)


def _way(cell: PlanCell, *, kept_apart: bool) -> str:
    if cell.basis.kind is BasisKind.STATUTE:
        return _LAW
    if not cell.basis.kind.needs_consent:
        return _NEVER_TURNED_BACK if kept_apart else _OURS
    if cell.delivery.mode == "stream" and cell.on_withdrawal == "erase":
        return _ERASED
    # The workers know of every withdrawal; of what else is passed on, they do not decide.
    return _STREAMED if cell.delivery.mode == "stream" else _CONSENT
