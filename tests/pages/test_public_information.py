"""The notice has what APPI Art. 32(1) and the Order's Art. 10 have a business make known."""

import re
from html import unescape

import pytest

from pages.notice.page import notice_page
from policy.vocabulary.bilingual import Language
from roadfade.commands.policy.choice import policy_or_exit
from tests.support.documents import policy_of


def text(page: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "\n", page))


def headings(page: str) -> list[str]:
    return re.findall(r'<h2 id="([^"]*)"', page)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_notice_tells_how_to_ask_how_data_is_safe_and_where_to_complain(
    language: Language,
) -> None:
    policy = policy_or_exit(None)
    public = policy.document.policy.content.public_information
    assert public is not None
    said = text(notice_page(policy, language))
    for part in (public.requests, public.security, public.complaints):
        for name, value in part:
            if name != "cites" and value is not None:
                assert value.told(language) in said, name


@pytest.mark.parametrize(
    ("language", "mark"),
    [("en", "one principal reads one purpose (not yet)"), ("ja", "（準備中）")],
)
def test_what_the_program_does_for_security_is_told_from_the_plan(
    language: Language, mark: str
) -> None:
    security = notice_page(policy_or_exit(None), language).partition('id="security"')[2]
    assert mark in security.partition('id="complaints"')[0]


def test_joint_users_stand_with_full_address_and_days_one_a_line() -> None:
    page = notice_page(policy_or_exit(None), "ja")
    joint = page.partition('id="joint-use"')[2].partition('id="requests"')[0]
    assert (
        "<li>見本メディア株式会社、大阪府大阪市北区見本町2-2-2、代表者 見本一郎、2026年10月1日から</li>"
        in joint
    )
    assert "2027年4月1日に終了</li>" in joint
    assert "<li>東京都千代田区見本町1-1-1</li>" in joint


def test_purposes_stand_in_the_order_of_the_clauses_and_a_part_after_its_whole() -> None:
    policy = policy_or_exit(None)
    found = [one for one in headings(notice_page(policy, "en")) if one in policy.document.pages]
    numbers = [int(re.findall(r"\d+", policy.document.page(one).seed)[1]) for one in found]
    assert numbers == sorted(numbers) and set(numbers) == set(range(1, 20))
    assert found[0] == "service_provision"
    parts = {"linkage", "consent_evidence", "service_account", "service_improve"}
    assert set(found[1:5]) == parts


def test_four_sentences_stand_before_all_else() -> None:
    policy = policy_or_exit(None)
    page = notice_page(policy, "en")
    before = page.partition("<h2>")[0]
    answers = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", before)
    assert [asked for asked, _ in answers] == ["What", "Why", "How long", "How to stop it"]
    assert all(told.endswith(".") and ". " not in told for _, told in answers)
    told = dict(answers)
    assert "location, trips, speed" in told["What"] and "contact, contract" in told["What"]
    assert f"{len(policy.document.pages)} purposes" in told["Why"]
    assert "Providing and protecting the service" in told["Why"]
    assert "erased after 24 months at most" in told["How long"]
    assert "privacy@example.jp" in told["How to stop it"]


def test_a_policy_that_says_nothing_of_it_has_no_empty_heading() -> None:
    assert headings(notice_page(policy_of(), "en")) == ["study"]


def test_nothing_given_to_anyone_is_said_in_one_sentence() -> None:
    page = text(notice_page(policy_or_exit(None), "ja"))
    assert "信用・保険の評価機関には一切渡しません。" in page
    assert "渡しません：すべて" not in page
