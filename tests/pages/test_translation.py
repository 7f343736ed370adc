"""Catalogues hold every phrase of code and templates, and say it with the same values."""

import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from pages.words.translation import translation
from policy.vocabulary.bilingual import Language
from policy.vocabulary.terms import Period

ROOT = Path(__file__).parents[2]
JAPANESE = ROOT / "pages" / "locale" / "ja" / "LC_MESSAGES" / "messages.po"

Key = tuple[str | None, str | tuple[str, ...]]


def read(file: Path) -> Catalog:
    with file.open("rb") as written:
        return read_po(written, abort_invalid=True)


def messages(catalog: Catalog) -> Mapping[Key, Message]:
    return {
        (one.context, tuple(one.id) if isinstance(one.id, list) else one.id): one
        for one in catalog
        if one.id
    }


def values(text: object) -> list[list[str]]:
    """The names of the values in each form of a phrase."""
    forms = text if isinstance(text, list | tuple) else [text]
    return [sorted(re.findall(r"%\((\w+)\)s", str(form))) for form in forms]


@pytest.fixture(scope="module")
def japanese() -> Mapping[Key, Message]:
    return messages(read(JAPANESE))


def test_the_catalogue_holds_what_code_and_templates_say_and_no_more(
    tmp_path: Path, japanese: Mapping[Key, Message]
) -> None:
    found = tmp_path / "messages.pot"
    extract = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract"]
    subprocess.run([*extract, "--output-file", str(found)], cwd=ROOT, check=True)
    assert set(messages(read(found))) == set(japanese)


def test_every_phrase_is_translated_for_certain(japanese: Mapping[Key, Message]) -> None:
    empty = [key for key, one in japanese.items() if not all(one.string or [""])]
    assert empty == []
    assert [key for key, one in japanese.items() if one.fuzzy] == []


def test_a_translation_names_the_same_values(japanese: Mapping[Key, Message]) -> None:
    wrong = {
        str(one.id)
        for one in japanese.values()
        for said in values(one.string)
        if said not in values(one.id)
    }
    assert wrong == set()


@pytest.mark.parametrize(
    ("language", "one", "many"), [("en", "1 day", "1500 days"), ("ja", "1日", "1500日")]
)
def test_a_count_takes_the_form_of_its_language(language: Language, one: str, many: str) -> None:
    words = translation(language)
    assert words.period(Period(1, "days")) == one
    assert words.period(Period(1500, "days")) == many


@pytest.mark.parametrize(
    ("language", "listed", "apart", "day", "share"),
    [
        ("en", "a, b, c", "a; b; c", "2026-10-01", "1,234 / 12,345 (10.0%)"),
        ("ja", "a、b、c", "a、b、c", "2026年10月1日", "1,234 / 12,345 (10.0%)"),
    ],
)
def test_lists_dates_and_shares_read_as_the_language_writes_them(
    language: Language, listed: str, apart: str, day: str, share: str
) -> None:
    words = translation(language)
    assert words.listed("abc") == listed
    assert words.listed_apart("abc") == apart
    assert words.date(date(2026, 10, 1)) == day
    assert words.share(1_234, 12_345) == share
    assert words.share(0, 0) == "0"


def test_lengths_and_countries_are_named() -> None:
    assert [translation("ja").metres(length) for length in (500, 10_000)] == ["500 m", "10 km"]
    assert translation("ja").country("IE") == "アイルランド"
    assert translation("en").country("XX") == "XX"
