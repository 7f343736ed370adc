"""A forbid as people read it in the notice: who never receives what, and about whom."""

from collections.abc import Iterable, Sequence

from pages.words.phrases import ROLE_PHRASES
from pages.words.titles import Titles
from policy.language.fields import Forbid


def never(forbids: Iterable[Forbid], titles: Titles, *, everywhere: bool) -> list[str]:
    """What never happens, each line once, but for joins: what forbids them binds nobody yet."""
    shown = (forbid for forbid in forbids if not forbid.join)
    lines = (forbid_words(forbid, titles, everywhere=everywhere) for forbid in shown)
    return list(dict.fromkeys(lines))


def forbid_words(forbid: Forbid, titles: Titles, *, everywhere: bool) -> str:
    """One line; ``everywhere``: it stands in policy.yaml, not on a purpose's page."""
    words = titles.words
    items = [titles.item(name) for name in (*forbid.category, *forbid.signal)]
    line = _some(forbid, items, titles, everywhere) if items else _all(forbid, titles, everywhere)
    if forbid.exempt:
        exempt = words.listed(map(titles.purpose, forbid.exempt))
        line = words.gettext("%(line)s (but for: %(purposes)s)", line=line, purposes=exempt)
    if forbid.when is None:
        return line
    roles = words.listed(words.gettext(ROLE_PHRASES[role]) for role in forbid.when.role)
    return words.gettext("For %(people)s: %(line)s", people=roles, line=line)


def _some(forbid: Forbid, items: Sequence[str], titles: Titles, everywhere: bool) -> str:  # noqa: FBT001  # as the caller has it
    words = titles.words
    what = words.listed(items)
    if forbid.to:
        who = words.listed(map(titles.receiver, forbid.to))
        return words.gettext("Never given to %(who)s: %(what)s", who=who, what=what)
    if everywhere:
        return words.gettext("Not used: %(what)s", what=what)
    return words.gettext("Not used for this: %(what)s", what=what)


def _all(forbid: Forbid, titles: Titles, everywhere: bool) -> str:  # noqa: FBT001  # likewise
    words = titles.words
    if forbid.to:
        who = words.listed(map(titles.receiver, forbid.to))
        return words.gettext("Nothing at all is given to: %(who)s.", who=who)
    if everywhere:
        return words.gettext("Nothing is used.")
    return words.gettext("Nothing is used for this purpose.")
