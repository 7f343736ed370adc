"""Every term of the policy has words for people, in both languages."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import get_args

import pytest

from pages.words.forbids import forbid_words
from pages.words.phrases import (
    CLASSES,
    DELIVERIES,
    GROUNDS,
    RECEIVERS,
    ROLE_PHRASES,
    TRIGGERS,
    keep_words,
    precision_words,
)
from pages.words.reasons import reason_words
from pages.words.recipients import country_words, recipient_words
from pages.words.rules import PARTS, RuleWords
from pages.words.titles import Titles
from pages.words.translation import translation
from policy.language.fields import Forbid, When
from policy.language.purpose_file import Recipient
from policy.plan.cells import PlanRetention
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.terms import BasisKind, DeliveryMode, DocumentPart, Period, RecipientClass
from policy.vocabulary.words import Trigger, space
from telemetry.instants import Grain
from telemetry.outcome import Rejected, Withheld
from telemetry.wire.control import Role
from tests.support.documents import policy_of

EN, JA = translation("en"), translation("ja")


@pytest.mark.parametrize(
    ("table", "terms"),
    [
        (TRIGGERS, get_args(Trigger)),
        (CLASSES, get_args(RecipientClass)),
        (RECEIVERS, get_args(RecipientClass)),
        (GROUNDS, [str(kind) for kind in BasisKind]),
        (DELIVERIES, get_args(DeliveryMode)),
        (ROLE_PHRASES, get_args(Role)),
        (PARTS, DocumentPart),
    ],
)
def test_every_term_has_words_and_no_word_is_left_over(
    table: Mapping[str, str | None], terms: Iterable[str]
) -> None:
    assert set(table) == set(terms)


@pytest.mark.parametrize("reason", [*Withheld, *Rejected])
def test_every_reason_is_told_in_both_languages(reason: str) -> None:
    assert "_" not in reason_words(reason, EN)
    assert not reason_words(reason, JA).isascii()


@pytest.mark.parametrize(
    "said", ["exact", "jis-mesh 500 m", "jis-mesh 10000 m else h3", "h3 8", "prefecture"]
)
def test_every_kind_of_space_is_told_in_japanese(said: str) -> None:
    assert said not in precision_words(space(said), 1_000, JA)


def test_a_recipient_is_told_with_its_last_day_and_its_countries() -> None:
    who = Bilingual(ja="見本地図株式会社", en="Example Maps K.K.")
    maps = Recipient.model_validate(
        {"id": "maps", "class": "joint_user", "who": who, "countries": ("IE", "XX"),
         "until": date(2027, 4, 1)}
    )  # fmt: skip
    japanese = recipient_words(maps, JA, country_words(maps.countries, JA))
    assert japanese == "見本地図株式会社（共同利用、2027年4月1日に終了、アイルランド、XX）"
    english = recipient_words(maps, EN)
    assert english == "Example Maps K.K. [joint use in our group, ends on 2027-04-01]"


@pytest.mark.parametrize(
    ("forbid", "everywhere", "said"),
    [
        ({"category": ("C09",)}, False, "この目的には使いません：速度"),
        ({"category": ("C06",)}, True, "使いません：車両"),
        ({"signal": ("vehicle_class",)}, True, "使いません：車両の種別"),
        ({"to": ("team", "third_party")}, True, "研究の担当、第三者には一切渡しません。"),
        ({"category": ("C09",), "except": ("study",)}, True,
         "使いません：速度（ただし次を除く：研究）"),
        ({"category": ("C09",), "when": When(role=("minor",))}, False,
         "16歳未満の方（年齢を確認できない未成年の方を含む）については、この目的には使いません：速度"),
    ],
)  # fmt: skip
def test_a_forbid_is_told_by_titles(forbid: dict[str, object], everywhere: bool, said: str) -> None:  # noqa: FBT001  # a column of the table
    asked = Forbid.model_validate({**forbid, "because": "a reason", "cites": ("X-1",)})
    assert forbid_words(asked, Titles(policy_of().document, "ja"), everywhere=everywhere) == said


def test_rules_are_told_by_purpose_and_data() -> None:
    told = RuleWords(policy_of().plan, Titles(policy_of().document, "ja"))
    assert told("study/team/C09") == "研究：速度"
    assert told("study") == "研究"
    assert told("joint_use") == "共同利用"
    assert told("combine/1") == "組み合わせてよい目的"


def test_a_minimum_and_a_review_are_told_in_both_languages() -> None:
    because = Bilingual(ja="例", en="an example")
    books = PlanRetention(
        Period(10, "years"), "filing_due", None, Grain.MONTH, because, Period(7, "years")
    )
    told = keep_words(books, EN)
    assert told == "at least 7 years, at most 10 years after the tax return is due (not yet)"
    assert keep_words(books, JA).startswith("申告の期限から7年以上、最長10年")
    contract = PlanRetention(
        Period(90, "days"), "contract_end", None, Grain.DAY, because, None, "2027-10-01"
    )
    assert keep_words(contract, EN) == (
        "90 days after your contract ends, looked at again on 2027-10-01"
    )
    assert keep_words(contract, JA).endswith("、2027年10月1日に見直し")
