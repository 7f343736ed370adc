"""A change's own words in people's, if they are of periods, days, grounds or classes."""

import re
from datetime import date
from typing import Final

from pages.words.phrases import CLASSES, GROUNDS
from pages.words.titles import Titles
from policy.vocabulary.terms import BasisKind
from policy.vocabulary.words import WordError, period

_BEFORE: Final = re.compile(r"(?P<now>.+) \(was (?P<was>.+)\)")
_TOLD: Final = re.compile(r"notice \S+ tells \{[^}]*\} as ")
_PERIOD: Final = re.compile(r"\d+ (minute|hour|day|month|year)s?")


def key_words(key: str, titles: Titles) -> str:
    """``36 months (before: 12 months)``; empty if the change is not of one of these kinds."""
    found = _BEFORE.fullmatch(key)
    if found is None:
        return ""
    now, was = _TOLD.sub("", found["now"]), found["was"]
    if was.isdigit():  # the unit is said once: `36 months (was 12)`
        was = f"{was} {now.partition(' ')[2]}"
    for told in (_periods, _grounds, _days, _classes):
        before, after = told(was, titles), told(now, titles)
        if before and after:
            return titles.words.gettext("%(now)s (before: %(was)s)", now=after, was=before)
    return ""


def _periods(text: str, titles: Titles) -> str:
    if _PERIOD.fullmatch(text) is None:
        return ""
    try:
        return titles.words.period(period(text))
    except WordError:
        return ""


def _grounds(text: str, titles: Titles) -> str:
    kind = text.removeprefix("basis ")
    return titles.words.gettext(GROUNDS[BasisKind(kind)]) if kind in GROUNDS else ""


def _days(text: str, titles: Titles) -> str:
    try:
        day = date.fromisoformat(text.removeprefix("until ").removeprefix("reviewed on "))
    except ValueError:
        return ""
    return titles.words.date(day)


def _classes(text: str, titles: Titles) -> str:
    name = text.rpartition(" is ")[2]
    return titles.words.gettext(CLASSES[name]) if name in CLASSES else ""
