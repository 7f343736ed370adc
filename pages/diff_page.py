"""What a new version changes, for those who decide: what, for whom, what still stands in its way.

A change is told in people's words, and beside them in the document's own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from pages.markup import page
from pages.words.diff_words import key_words
from pages.words.recipients import recipient_words
from pages.words.titles import Titles
from pages.words.translation import phrase
from policy.compiled import CompiledPolicy
from policy.diff.approvals import approval_words
from policy.diff.change import Change, ChangeKind, Difference
from policy.plan.cells import PlanCell
from policy.vocabulary.bilingual import Language

KINDS: Final = {
    ChangeKind.OPENS: phrase("is used from now on"),
    ChangeKind.CLOSES: phrase("is used no more"),
    ChangeKind.LENGTHENS: phrase("lasts longer"),
    ChangeKind.SHORTENS: phrase("lasts less long"),
    ChangeKind.FINER: phrase("becomes finer"),
    ChangeKind.COARSER: phrase("becomes coarser"),
    ChangeKind.OTHERWISE: phrase("is told or treated otherwise"),
    ChangeKind.RECIPIENT: phrase("goes to a new recipient"),
    ChangeKind.GROUND: phrase("rests on another ground"),
    ChangeKind.LOOSENS: phrase("is protected less"),
    ChangeKind.TIGHTENS: phrase("is protected more"),
}


class _Part(NamedTuple):
    """Changes that ask the same of people."""

    title: str
    tone: str
    about: str
    rows: list["_Row"]


class _Row(NamedTuple):
    purpose: str
    recipient: str
    data: str
    """Of all changes that are the same but for their data."""
    kind: str
    told: str
    """The change in people's words, as ``36 months (before: 12 months)``; may be empty."""
    written: str
    """The change in the document's own words."""
    people: str
    decision: str
    """Who decided it, or what still has to be written; empty if nothing has."""


class _Asks(NamedTuple):
    title: str
    tone: str
    about: str
    of: Callable[[Change, frozenset[str]], bool]
    """Whether it is of this part; the second argument is every notice under which people agreed."""


_PARTS: Final = (
    _Asks(
        phrase("Needs consent anew"),
        "bad",
        phrase("People were asked for less. No approval stands for their answer: ask them anew."),
        lambda change, agreed: not agreed.isdisjoint(change.needs_notice),
    ),
    _Asks(
        phrase("Needs a new notice"),
        "bad",
        phrase("People were told otherwise under this number. Tell them in a notice of a new one."),
        lambda change, agreed: bool(change.needs_notice) and agreed.isdisjoint(change.needs_notice),
    ),
    _Asks(
        phrase("Needs an approval"),
        "waits",
        phrase("This lets more through, or may. Record who decided it, in the words given here."),
        lambda change, _: change.undecided and not change.needs_notice,
    ),
    _Asks(
        phrase("Approved"),
        "good",
        phrase("This lets more through, or may, and somebody decided that."),
        lambda change, _: change.widens and not change.undecided,
    ),
    _Asks(
        phrase("Needs nothing"),
        "dim",
        phrase("This lets no more through than before."),
        lambda change, _: not (change.widens or change.undecided),
    ),
)


def diff_page(
    old: CompiledPolicy, new: CompiledPolicy, difference: Difference, language: Language
) -> str:
    """The page in one language; ``difference`` is the one from the first to the second."""
    titles = Titles(new.document, language), Titles(old.document, language)
    words = titles[0].words
    cells = *new.plan.cells, *old.plan.cells
    agreed = frozenset(cell.basis.notice for cell in cells if cell.basis.kind.needs_consent)
    parts = [
        _part(
            asks,
            [
                (one, _data(one, titles, cells))
                for one in difference.changes
                if asks.of(one, agreed)
            ],
            titles,
            agreed,
        )
        for asks in _PARTS
    ]
    return page(
        "diff.html.j2",
        language,
        old=f"{old.plan.policy} {old.plan.policy_version}",
        new=f"{new.plan.policy} {new.plan.policy_version}",
        effective=words.date(difference.effective),
        holds=not difference.undecided,
        totals=[(part.tone, part.title, words.number(len(part.rows))) for part in parts],
        parts=[part for part in parts if part.rows],
    )


_Both = tuple[Titles, Titles]
"""Names of the new document, and those of the old for what the new one no longer has."""


def _part(
    asks: _Asks,
    changes: Iterable[tuple[Change, str]],
    titles: _Both,
    agreed: frozenset[str],
) -> _Part:
    """``changes`` with the data that each is about."""
    words = titles[0].words
    data: dict[_Row, list[str]] = {}
    for change, about in changes:
        data.setdefault(_row(change, titles, agreed), []).append(about)
    rows = [row._replace(data=words.listed(filter(None, of))) for row, of in data.items()]
    return _Part(words.gettext(asks.title), asks.tone, words.gettext(asks.about), rows)


def _row(change: Change, titles: _Both, agreed: frozenset[str]) -> _Row:
    words = titles[0].words
    whole = words.gettext("the whole policy")
    return _Row(
        purpose=whole if change.purpose is None else _purpose(change.purpose, titles),
        recipient=_recipient(change, titles),
        data="",
        kind=words.gettext(KINDS[change.kind]),
        told=key_words(change.key, titles[0]),
        # A recipient that falls away has no words of its own.
        written="" if change.kind is ChangeKind.CLOSES and not change.category else change.key,
        people=_people(change, titles[0], agreed),
        decision=_decision(change, titles[0]),
    )


def _purpose(purpose: str, titles: _Both) -> str:
    known = next((one for one in titles if purpose in one.document.pages), titles[0])
    return known.purpose(purpose)


def _recipient(change: Change, titles: _Both) -> str:
    for one in titles:
        page_of = one.document.pages.get(change.purpose or "")
        for recipient in () if page_of is None else page_of.recipients:
            if recipient.id == change.recipient:
                return recipient_words(recipient, one.words)
    return ""


def _data(change: Change, titles: _Both, cells: Sequence[PlanCell]) -> str:
    """Facts and categories by their titles; a signal by its category's."""
    if change.category is not None:
        return titles[0].item(change.category)
    own = [
        cell
        for cell in cells
        if (cell.purpose, cell.recipient) == (change.purpose, change.recipient)
    ]
    items = frozenset(change.items)
    held = [cell.category for cell in own if not items.isdisjoint(cell.signals)]
    facts = [item for item in change.items if any(item in cell.facts for cell in own)]
    return titles[0].words.listed(map(titles[0].item, dict.fromkeys((*held, *facts))))


def _people(change: Change, titles: Titles, agreed: frozenset[str]) -> str:
    words = titles.words
    asked = change.needs_notice or change.consents
    if not asked:
        return words.gettext("everyone")
    notices = words.listed(asked)
    if agreed.isdisjoint(asked):
        return words.gettext("whoever was told by %(notices)s", notices=notices)
    return words.gettext("whoever agreed under %(notices)s", notices=notices)


def _decision(change: Change, titles: Titles) -> str:
    words, approval = titles.words, change.approval
    if change.needs_notice:
        return words.gettext(
            "a notice of a new number in place of %(notices)s",
            notices=words.listed(change.needs_notice),
        )
    if change.undecided:
        return approval_words(change)[0]
    if approval is None or not change.widens:
        return ""
    return words.gettext(
        "%(who)s, on %(day)s: %(decision)s",
        who=approval.by,
        day=words.date(approval.on),
        decision=approval.decision,
    )
