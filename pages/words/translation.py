"""The fixed phrases in one language, and how that language writes lists, dates and amounts.

English phrases stand in code and templates, Japanese ones in a catalogue beside this file. How a
language writes what is not a phrase is CLDR's, by Babel.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final, assert_never

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from pages.words.claims import CLAIMS
from policy.vocabulary.bilingual import Language
from policy.vocabulary.capabilities import Capability, exists
from policy.vocabulary.terms import Period, PeriodUnit

_SYMBOLS: Final = {
    "percent": "%",
    "celsius": "°C",
    "degrees": "°",
    "degrees/s": "°/s",
    "m/s^2": "m/s²",
    "ratio": "",
}
"""Of units whose names in the catalogue are words; the others are symbols in any language."""
SOURCE_LANGUAGE: Final[Language] = "en"
"""The language of the phrases themselves; it has no catalogue."""


def phrase(text: str) -> str:
    """Mark a phrase in a table for the catalogues; it is translated where it is shown."""
    return text


@cache
def translation(language: Language) -> "Translation":
    """The phrases in this language, read once."""
    return Translation(language)


class Translation:
    """Phrases with their values put in. A phrase names each value: ``%(name)s``."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._locale = Locale.parse(language)
        self._catalogue = (
            NullTranslations() if language == SOURCE_LANGUAGE else _catalogue(language)
        )

    def gettext(self, text: str, **values: str) -> str:
        """The phrase in this language, marked if it claims what the program does not do yet."""
        said = self._catalogue.gettext(text) % values
        claimed = CLAIMS.get(text)
        return said if claimed is None else self.claimed(said, claimed)

    def claimed(self, said: str, capability: Capability) -> str:
        """What is said already, marked "not yet" if the program does not do it."""
        if exists(capability):
            return said
        return self._catalogue.gettext("%(said)s (not yet)") % {"said": said}

    def pgettext(self, context: str, text: str, **values: str) -> str:
        """The same for a phrase that means several things, or too little alone."""
        return self._catalogue.pgettext(context, text) % values

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The phrase for this ``count``."""
        return self._catalogue.ngettext(one, many, count) % {"count": count}

    def listed(self, parts: Iterable[str]) -> str:
        """``a, b, c`` or ``a、b、c``."""
        return format_list(list(parts), "standard-narrow", self._locale)  # type: ignore[arg-type]  # CLDR has it, Babel's annotation misses it

    def listed_apart(self, parts: Iterable[str]) -> str:
        """The same for parts that may hold commas themselves."""
        return self.pgettext("between parts that may hold commas", "; ").join(parts)

    def date(self, day: date) -> str:
        """``2026-10-01`` or ``2026年10月1日``."""
        return format_date(day, self.pgettext("date", "yyyy-MM-dd"), self._locale)

    def number(self, number: int) -> str:
        """``12,345``."""
        return format_decimal(number, locale=self._locale)

    def share(self, part: int, whole: int) -> str:
        """``1,234 / 12,345 (10.0%)``, or ``0`` of nothing."""
        if not whole:
            return "0"
        percent = format_percent(part / whole, "0.0%", self._locale)
        return f"{self.number(part)} / {self.number(whole)} ({percent})"

    def metres(self, metres: int) -> str:
        """``500 m`` or ``10 km``."""
        unit, count = ("kilometer", metres // 1000) if metres >= 1000 else ("meter", metres)  # noqa: PLR2004  # metres in a kilometre
        return format_unit(count, f"length-{unit}", "short", locale=self._locale)

    def measure(self, width: float, unit: str) -> str:
        """``10 km/h`` or ``時速 10 km``; a unit that CLDR does not name stays as it is."""
        if unit == "m" and width.is_integer():
            return self.metres(int(width))
        known = {"km/h": "speed-kilometer-per-hour", "percent": "concentr-percent"}
        if unit in known:
            return format_unit(width, known[unit], "short", locale=self._locale)
        return f"{format_decimal(width, locale=self._locale)} {unit}".strip()

    def symbol(self, unit: str) -> str:
        """``°C`` or ``m/s²``: a unit of the catalogue as an axis has it."""
        return _SYMBOLS.get(unit, unit)

    def country(self, code: str) -> str:
        """A country's name by its ISO 3166 code; an unknown code stays as it is."""
        name: str = self._locale.territories.get(code, code)
        return name

    def period(self, period: Period) -> str:
        """``24 months`` or ``24か月``."""
        return self.amount(period.count, period.unit)

    def amount(self, count: int, unit: PeriodUnit) -> str:
        """So many of a unit of time. CLDR would put a space into the Japanese."""
        match unit:
            case "minutes":
                return self.ngettext("%(count)s minute", "%(count)s minutes", count)
            case "hours":
                return self.ngettext("%(count)s hour", "%(count)s hours", count)
            case "days":
                return self.ngettext("%(count)s day", "%(count)s days", count)
            case "months":
                return self.ngettext("%(count)s month", "%(count)s months", count)
            case "years":
                return self.ngettext("%(count)s year", "%(count)s years", count)
            case _:
                assert_never(unit)


def _catalogue(language: Language) -> GNUTranslations:
    """Compiled in memory: a clean clone and a wheel need no step for it."""
    text = files("pages") / "locale" / language / "LC_MESSAGES" / "messages.po"
    compiled = BytesIO()
    with text.open("rb") as written:
        write_mo(compiled, read_po(written, language))
    compiled.seek(0)
    return GNUTranslations(compiled)
