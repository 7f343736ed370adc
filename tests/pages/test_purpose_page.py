"""A purpose's own page is short enough to be read, and says all that the plan says of it."""

import re
from functools import cache
from html import unescape

import pytest

from pages.cell_rows import rows, shown_cells
from pages.purpose_page import purpose_page
from pages.words.titles import Titles
from policy.compiled import CompiledPolicy
from policy.plan.carried_out import lacking
from policy.vocabulary.bilingual import Language
from roadfade.commands.policy.choice import policy_or_exit
from tests.support.documents import FILES, policy_of

WORDS_MAX = 450
CHARACTERS_MAX = 1_000
MARK = {"en": "(not yet)", "ja": "（準備中）"}


@cache
def policy() -> CompiledPolicy:
    return policy_or_exit(None)


def seen(page: str) -> str:
    """What eyes meet: no style, no title of the window, no caption for screen readers."""
    kept = re.sub(r"<(style|title|caption)\b.*?</\1>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", kept))


def test_what_is_counted_is_the_text_and_nothing_else() -> None:
    page = "<title>a</title><style>b</style><caption>c</caption><p>two &amp; words</p><td>d</td>"
    assert seen(page).split() == ["two", "&", "words", "d"]


@pytest.mark.parametrize("purpose", sorted(policy().document.pages))
def test_no_page_is_longer_than_people_read(purpose: str) -> None:
    english = seen(purpose_page(policy(), purpose, "en")).split()
    japanese = re.sub(r"\s", "", seen(purpose_page(policy(), purpose, "ja")))
    assert 100 < len(english) <= WORDS_MAX
    assert 250 < len(japanese) <= CHARACTERS_MAX


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("purpose", sorted(policy().document.pages))
def test_a_page_has_the_lines_of_the_notice_and_names_all_that_waits(
    purpose: str, language: Language
) -> None:
    plan, titles = policy().plan, Titles(policy().document, language)
    page = purpose_page(policy(), purpose, language)
    cells = shown_cells(plan, purpose)
    lines = rows(cells, plan, titles)
    assert page.count('<tr role="row">') == len(lines) + 1
    waits = any(lacking(cell) for cell in cells)
    assert (MARK[language] in page) is waits
    text = seen(page)
    assert ("these wait" in text or "次のものは準備中" in text) is waits
    for line in lines:
        data, fine, kept, *_ = line.cells
        assert all(told in text for told in (data, fine, kept))
    for cell in cells:
        assert titles.who(purpose, cell.recipient) in text


def test_a_page_says_on_which_ground_and_how_to_stop_by_ground() -> None:
    text = seen(purpose_page(policy_of(), "study", "en"))
    assert "your consent to location: location" in text
    assert "the published purpose: speed, powertrain" in text
    assert "“your consent to location”: You can refuse, and take your consent back" in text
    assert "“the published purpose”: This use needs no consent." in text
    assert "c@example.jp" in text


def test_a_page_says_that_a_withdrawal_erases_what_was_kept() -> None:
    page = FILES["purposes/study.yaml"]
    erasing = page.replace("precision: P2\n", "precision: P2\n    on_withdrawal: erase\n")
    text = seen(purpose_page(policy_of({**FILES, "purposes/study.yaml": erasing}), "study", "en"))
    assert "pass nothing more on, and erase what they kept on this ground" in text
    assert "erase what they kept" not in seen(purpose_page(policy_of(), "study", "en"))


def test_only_laws_guidelines_and_orders_are_a_ground() -> None:
    study = FILES["purposes/study.yaml"].replace("cites: [C2-08]", "cites: [C2-08, APPI-27]", 1)
    text = seen(purpose_page(policy_of({**FILES, "purposes/study.yaml": study}), "study", "en"))
    assert "Law and guidelines: Act Art. 27 " in text


def test_whose_data_stays_out_is_told_with_the_data() -> None:
    forbid = "forbids:\n  - {category: C09, when: {role: minor}, because: a reason, cites: [X-1]}"
    study = FILES["purposes/study.yaml"].replace("forbids: []", forbid)
    text = seen(purpose_page(policy_of({**FILES, "purposes/study.yaml": study}), "study", "ja"))
    assert "16歳未満の方（年齢を確認できない未成年の方を含む）については使いません：速度" in text
    assert "未成年" not in seen(purpose_page(policy_of(), "study", "ja"))


def test_many_facts_are_told_by_their_categories_and_few_by_name() -> None:
    few = seen(purpose_page(policy(), "device_registry", "en"))
    many = seen(purpose_page(policy(), "rights_audit", "en"))
    assert "serial number of the device" in few
    assert "serial number of the device" not in many and "device identifiers" in many


def test_a_recipient_outside_is_told_as_what_it_receives() -> None:
    assert "[another company]" in seen(purpose_page(policy(), "third_party_provision", "en"))
    within = seen(purpose_page(policy(), "product_rnd", "en"))
    assert "[within our company]" not in within
    assert "All of them receive it within our company." in within


def test_a_purpose_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        purpose_page(policy(), "nobody", "en")


def test_what_rests_on_law_is_not_said_to_end_at_a_word() -> None:
    text = seen(purpose_page(policy(), "public_authority_disclosure", "en"))
    assert "The law requires or allows this use." in text and "needs no consent" not in text


@pytest.mark.parametrize("purpose", sorted(policy().document.pages))
def test_no_two_lines_of_a_page_differ_only_in_their_period(purpose: str) -> None:
    lines = rows(
        shown_cells(policy().plan, purpose), policy().plan, Titles(policy().document, "en")
    )
    told = [(data, fine, who) for data, fine, _, who, _ in (line.cells for line in lines)]
    assert len(set(told)) == len(told)
