"""The page that a board reads before a version is published: what changes, and what it asks."""

import re
from collections.abc import Mapping
from html import unescape

import pytest

from pages.diff_page import diff_page
from pages.words.diff_words import key_words
from pages.words.titles import Titles
from policy.diff.diff import diff
from policy.vocabulary.bilingual import Language
from tests.policy.versions.lines import bent
from tests.support.documents import FILES, policy_of

APPROVED = """
approvals:
  - {change: C09 36 months (was 12), decision: applies_to_new_data, by: privacy_officer, on: 2026-09-20}
"""


def shown(new: Mapping[str, str], language: Language = "en", old: Mapping[str, str] = FILES) -> str:
    before, after = policy_of(old), policy_of(new)
    return diff_page(before, after, diff(before, after), language)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.partition("<h1>")[2])))


def parts(page: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page)


LONGER = bent("12 months, from: reading", "36 months, from: reading")


def test_a_version_that_changes_nothing_says_so() -> None:
    page = shown(FILES)
    assert "Nothing changes." in page and parts(page) == []


def test_a_widening_needs_an_approval_in_the_words_it_has_to_repeat() -> None:
    page = shown(LONGER)
    assert parts(page) == ["Needs an approval"]
    said = text(page)
    assert "It cannot be published yet." in said
    assert "lasts longer 36 months (before: 12 months) 36 months (was 12)" in said
    assert "speed" in said and "the team [within our company]" in said and "everyone" in said
    assert "C09 36 months (was 12)" in said


def test_an_approval_is_told_with_who_and_when_and_leaves_the_rest_waiting() -> None:
    page = shown({**LONGER, "purposes/study.yaml": LONGER["purposes/study.yaml"] + APPROVED})
    assert "privacy_officer, on 2026-09-20: applies_to_new_data" in text(page)
    assert "Approved" in parts(page)


def test_more_than_a_consent_was_given_for_needs_it_anew() -> None:
    page = shown(bent("30 days, from: reading", "60 days, from: reading"))
    assert parts(page)[0] == "Needs consent anew"
    said = text(page)
    assert "whoever agreed under study@1" in said
    assert "a notice of a new number in place of study@1" in said


def test_another_text_without_any_consent_needs_a_notice_and_no_consent() -> None:
    published = FILES["purposes/study.yaml"].replace(
        "    basis: {kind: location, notice: study@1}\n", ""
    )
    old = {**FILES, "purposes/study.yaml": published}
    told = {
        **old,
        "notices/study@1.yaml": old["notices/study@1.yaml"].replace("to study", "to sell"),
    }
    page = shown(told, old=old)
    assert parts(page) == ["Needs a new notice"]
    assert "whoever was told by study@1" in text(page) and "agreed" not in text(page)


def test_what_narrows_needs_nothing_and_may_be_published() -> None:
    page = shown(FILES, old=LONGER)
    assert parts(page) == ["Needs nothing"]
    assert "lasts less long 12 months (before: 36 months)" in text(page)
    assert "Nothing stands in its way" in page


def test_changes_that_differ_in_their_data_alone_are_one_line() -> None:
    both = FILES["purposes/study.yaml"].replace(
        "12 months, from: reading", "36 months, from: reading"
    )
    page = shown({**FILES, "purposes/study.yaml": both})
    rows = page.count('<tr role="row">') - 1
    assert rows == len({"C09", "C11"})  # each approval names its own category
    narrower = shown(FILES, old={**FILES, "purposes/study.yaml": both})
    assert narrower.count('<tr role="row">') - 1 == 1
    assert "speed, powertrain" in narrower


def test_a_recipient_that_is_gone_is_still_named() -> None:
    lab = bent(
        "cells:",
        "  - {id: lab, class: processor, who: {ja: 実験室, en: the laboratory}, countries: [JP]}\ncells:",
    )
    said = text(shown(FILES, old=lab))
    assert "the laboratory [works for us under contract]" in said and "is used no more" in said
    assert "new recipient" not in said


def test_a_japanese_page_has_english_only_in_the_documents_own_words() -> None:
    page = shown(LONGER, "ja")
    told = text(re.sub(r'<code>.*?</code>|<p class="dim">.*?</p>', "", page))
    assert re.findall(r"[A-Za-z]+", told) == []
    assert "期間が長くなります 36か月（これまで：12か月）" in told


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("36 months (was 12)", "36 months (before: 12 months)"),
        ("200 days (was 12 months)", "200 days (before: 12 months)"),
        ("basis published (was location)", "the published purpose (before: your consent to location)"),
        ("until 2027-01-01 (was 2026-12-01)", "2027-01-01 (before: 2026-12-01)"),
        ("until 2027-01-01 (was further notice)", ""),
        ("team is processor (was internal)",
         "works for us under contract (before: within our company)"),
        ("notice study@1 tells {C09.keep} as 6 months (was 12 months)",
         "6 months (before: 12 months)"),
        ("opens 30 days", ""),
    ],
)  # fmt: skip
def test_a_change_is_told_in_peoples_words_if_it_has_any(key: str, told: str) -> None:
    assert key_words(key, Titles(policy_of().document, "en")) == told


def test_a_new_recipient_is_told_with_what_it_receives_and_no_more() -> None:
    lab = "  - {id: lab, class: internal, who: {ja: 試験室, en: the lab}, countries: [JP]}\n"
    page = FILES["purposes/study.yaml"].replace("cells:\n", f"{lab}cells:\n")
    page = page.replace("  C07:\n", "  C07:\n    to: [team]\n")
    page = page.replace("  C09:\n", "  C09:\n    to: [team]\n")
    rows = re.findall(r"<tr.*?</tr>", shown({**FILES, "purposes/study.yaml": page}), re.DOTALL)
    (row,) = [text(f"<h1>{one}") for one in rows if "the lab" in one]
    assert "powertrain" in row
    assert "speed" not in row and "location" not in row
