"""A forbid as people read it in the notice: who never receives what, and about whom."""

from collections.abc import Iterable

from pages.phrases import ROLE_PHRASES
from pages.titles import Titles
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
    what = words.listed(items or [words.gettext("all of it")])
    if forbid.to:
        who = words.listed(map(titles.receiver, forbid.to))
        line = words.gettext("Nothing at all is given to: %(who)s.", who=who)
        if items:
            line = words.gettext("Never given to %(who)s: %(what)s", who=who, what=what)
    elif everywhere:
        line = words.gettext("Not used: %(what)s", what=what)
    else:
        line = words.gettext("Not used for this: %(what)s", what=what)
    if forbid.exempt:
        exempt = words.listed(map(titles.purpose, forbid.exempt))
        line = words.gettext("%(line)s (but for: %(purposes)s)", line=line, purposes=exempt)
    if forbid.when is None:
        return line
    roles = words.listed(words.gettext(ROLE_PHRASES[role]) for role in forbid.when.role)
    return words.gettext("For %(people)s: %(line)s", people=roles, line=line)
