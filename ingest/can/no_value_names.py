"""The names of codes that say that there is no value: one closed list, in the languages of makers.

In: a name as a database writes it. Out: whether it says "no value". Makers agree on the words, not
on codes. The list stands in docs/replay.md, and a map overrides it with ``valid_codes``.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

ALONE_OR_LAST: Final[Mapping[str, tuple[str, ...]]] = {
    "English": (
        "SNA", "not available", "unavailable", "not valid", "invalid", "no data", "no signal",
        "no value", "unknown",
    ),
    "German": (
        "nicht verfügbar", "nicht gültig", "ungültig", "kein Signal", "kein Wert", "keine Daten",
        "unbekannt",
    ),
    "French": ("non disponible", "indisponible", "non valide", "invalide", "inconnu"),
    "Spanish": ("no disponible", "no válido", "inválido", "desconocido"),
    "Italian": ("non valido", "non disponibile", "sconosciuto"),
    "Japanese": ("無効", "無効値", "使用不可", "利用不可", "不明", "データなし", "信号なし"),
}  # fmt: skip
"""As the whole name, or as its end after a prefix, as in DI_GEAR_SNA."""

ALONE: Final[Mapping[str, tuple[str, ...]]] = {
    "English": (
        "NA", "n/a", "error", "error indicator", "fault", "failure", "init", "initial",
        "initialization", "initialisation", "initializing", "initialising", "reserved", "undefined",
        "not defined",
    ),
    "German": (
        "Fehler", "Störung", "Defekt", "Initialisierung", "reserviert", "undefiniert",
        "nicht definiert",
    ),
    "French": ("erreur", "défaut", "réservé", "non défini", "initialisation"),
    "Spanish": ("fallo", "falla", "reservado", "no definido", "inicialización"),
    "Italian": ("errore", "guasto", "riservato", "non definito", "inizializzazione"),
    "Japanese": ("エラー", "異常", "故障", "初期化中", "予約", "未定義"),
}  # fmt: skip
"""As the whole name only, or of a signal, sensor or value: "No error" and "ABS fault lamp" say
something."""

_OF: Final = ("signal", "sensor", "value", "data", "wert", "messwert", "daten", "signal is")
_PARTS: Final = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|[\W_]+")
_SPELLED_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_NEGATIONS: Final = (
    "no",
    "not",
    "non",
    "kein",
    "keine",
    "nicht",
    "sans",
    "sin",
    "without",
    "never",
)


def says_no_value(name: str) -> bool:
    """Whether the name is of the list, in any spelling: case, accents and signs do not count."""
    return any(_fits(said) for said in _spellings(name))


def _fits(said: str) -> bool:
    if said in _ALONE:
        return True
    for end in _ENDS:
        if said == end:
            return True
        before = said.removesuffix(f" {end}")
        if before != said and before.split()[-1] not in _NEGATIONS:
            return True
    # Japanese writes no spaces.
    return said.endswith(_JAPANESE_ENDS)


def _spellings(name: str) -> set[str]:
    """Words in small letters with one space between, umlauts spelled out or left out."""
    composed = unicodedata.normalize("NFKC", name)
    words = " ".join(part for part in _PARTS.split(composed) if part).casefold()
    whole = " ".join(part for part in re.split(r"[\W_]+", composed) if part).casefold()
    return {
        form
        for text in (words, whole)
        for form in (text, text.translate(_SPELLED_OUT), _bare(text))
    }


def _bare(text: str) -> str:
    """Without accents."""
    split = unicodedata.normalize("NFD", text)
    if not all(char.isascii() or unicodedata.combining(char) for char in split):
        return text
    return "".join(char for char in split if not unicodedata.combining(char))


def _all(listed: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(
        form for names in listed.values() for name in names for form in _spellings(name)
    )


_ENDS: Final = _all(ALONE_OR_LAST)
_JAPANESE_ENDS: Final = tuple(_all({"Japanese": ALONE_OR_LAST["Japanese"]}))
_ALONE: Final = (
    _all(ALONE)
    | {f"{of} {name}" for name in _all(ALONE) for of in _OF}
    | {f"{of}{name}" for name in _all(ALONE) for of in _OF}
)
