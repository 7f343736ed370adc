"""The month that a log's header names, in the language of the machine that wrote it.

Vector's tools write the month as Windows does: in English, German, French, Spanish or Japanese. The
names are CLDR's (Babel has them), and those of three letters that the tools made of them.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

LANGUAGES: Final = ("en", "de", "fr", "es", "ja")
_WIDTHS: Final[tuple[Literal["wide", "abbreviated"], ...]] = ("wide", "abbreviated")
_CONTEXTS: Final[tuple[Literal["format", "stand-alone"], ...]] = ("format", "stand-alone")
_OWN: Final = {"mae": 3, "maerz": 3, "mrz": 3, "jänner": 1, "feber": 2, "set": 9}
"""Forms that CLDR does not list: Vector's March, Austria's months, Spain's other September."""
_PREFIX_MIN: Final = 3
_MONTHS: Final = 12


def month_of(name: str) -> int | None:
    """1 to 12; None if no month of these languages is meant, or more than one could be."""
    said = _plain(name)
    # A number, and what Japanese writes after it, in whatever encoding.
    if digits := re.match(r"[0-9]+", said):
        return int(digits[0]) if 1 <= int(digits[0]) <= _MONTHS else None
    known = _known()
    if said in known:
        return known[said]
    # Cut to three letters, or to as many as a tool keeps: "juil" can mean one month, "jui" two.
    meant = {month for full, month in known.items() if full.startswith(said)}
    return meant.pop() if len(said) >= _PREFIX_MIN and len(meant) == 1 else None


@cache
def _known() -> Mapping[str, int]:
    found = {_plain(name): month for name, month in _OWN.items()}
    for language in LANGUAGES:
        found |= {_plain(name): month for name, month in _names(language).items()}
    return found


def _names(language: str) -> Mapping[str, int]:
    """The months of a language by every name of theirs."""
    from babel.dates import get_month_names  # noqa: PLC0415  # few logs need it

    return {
        str(name): month
        for width in _WIDTHS
        for context in _CONTEXTS
        for month, name in get_month_names(width, context, language).items()
    }


def _plain(name: str) -> str:
    """In small letters, without accents and the full stop of an abbreviation."""
    split = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in split if not unicodedata.combining(char)).rstrip(".")
