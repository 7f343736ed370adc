"""A forbid as people read it in the notice: who never receives what, and about whom."""

from collections.abc import Mapping
from typing import Final

from pages.phrases import ROLES, words
from pages.titles import Titles
from policy.fields import Forbid

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "to": ("{} never receives: {}", "{}には渡しません: {}"),
    "here": ("Not used for this: {}", "この目的には使いません: {}"),
    "anywhere": ("Not used: {}", "使いません: {}"),
    "roles": ("For {}: {}", "{}について: {}"),
    "but": ("{} (but for: {})", "{}（ただし次を除く: {}）"),
    "all": ("anything", "すべて"),
}


def forbid_words(forbid: Forbid, titles: Titles, *, everywhere: bool) -> str:
    """One line; ``everywhere``: it stands in policy.yaml, not on a purpose's page."""

    def say(key: str) -> str:
        return _WORDS[key][titles.language == "ja"]

    of = titles.comma.join(map(titles.item, (*forbid.category, *forbid.signal))) or say("all")
    to = titles.comma.join(map(titles.receiver, forbid.to))
    kept_out = say("anywhere" if everywhere else "here").format(of)
    line = say("to").format(to, of) if to else kept_out
    if forbid.exempt:
        line = say("but").format(line, titles.comma.join(map(titles.purpose, forbid.exempt)))
    if forbid.when is None:
        return line
    roles = (words(ROLES, role, titles.language) for role in forbid.when.role)
    return say("roles").format(titles.comma.join(roles), line)
