import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from pages.markup import page
from pages.notice.page import notice_page
from pages.processing_record import processing_record, record_page
from pages.words.phrases import keep_words, precision_words
from pages.words.translation import translation
from policy.compiled import CompiledPolicy
from policy.plan.cells import PlanCell, PlanDelivery, PlanRetention
from policy.vocabulary.bilingual import Bilingual, Language
from policy.vocabulary.terms import Basis, BasisKind, Period
from policy.vocabulary.words import Exact
from telemetry.instants import Grain
from tests.support.documents import SPEED, bent, policy_of
from tests.support.plans import HERE

LOAD = Bilingual(ja="負荷を知るため", en="load profiles")
CELL = PlanCell(
    id="study/team/C09",
    purpose="study",
    recipient="team",
    recipient_class="internal",
    category="C09",
    line=0,
    delivery=PlanDelivery("stream"),
    signals=(SPEED,),
    facts=(),
    denials=(),
    precision="P2",
    basis=Basis(BasisKind.PUBLISHED, "study@1"),
    retention=PlanRetention(
        Period(90, "days"), "contract_end", Period(400, "days"), Grain.DAY, LOAD
    ),
    until=None,
    cites=("C2-08",),
    where=HERE,
)


def policy(cell: PlanCell = CELL) -> CompiledPolicy:
    small = policy_of()
    return replace(small, plan=replace(small.plan, cells=(cell,)))


def is_alone(text: str) -> bool:
    """Whether a page asks for nothing beyond itself."""
    reached = re.search(r"(src|href)=\"(?!#|mailto:)|url\(|@import|<script|<link", text)
    return reached is None and "default-src" in text


SAYS_SUSPENDED = {"en": "This purpose is suspended", "ja": "この目的は停止中です"}


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("made", [notice_page, record_page])
def test_a_page_says_that_a_purpose_is_suspended(
    made: Callable[[CompiledPolicy, Language], str], language: Language
) -> None:
    suspended = bent("purposes/study.yaml", "seed:", "suspended: true\nseed:")
    assert SAYS_SUSPENDED[language] in made(policy_of(suspended), language)
    assert SAYS_SUSPENDED[language] not in made(policy_of(), language)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "ends on 2026-12-01"), ("ja", "2026年12月1日に終了")]
)
@pytest.mark.parametrize("made", [notice_page, record_page])
def test_a_page_says_on_which_day_a_cell_ends(
    made: Callable[[CompiledPolicy, Language], str], language: Language, said: str
) -> None:
    ending = bent("purposes/study.yaml", "  C09:\n", "  C09:\n    until: 2026-12-01\n")
    assert made(policy_of(ending), language).count(said) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "erased if you take your consent back"), ("ja", "同意を取り消すと消去")],
)
@pytest.mark.parametrize("made", [notice_page, record_page])
def test_a_page_says_what_a_withdrawal_erases(
    made: Callable[[CompiledPolicy, Language], str], language: Language, said: str
) -> None:
    erasing = bent(
        "purposes/study.yaml", "precision: P2\n", "precision: P2\n    on_withdrawal: erase\n"
    )
    assert made(policy_of(erasing), language).count(said) == 1
    assert said not in made(policy_of(), language)


def test_a_page_names_its_language_and_fits_a_phone() -> None:
    text = notice_page(policy(), "ja")
    assert '<html lang="ja">' in text
    assert 'name="viewport"' in text


def test_every_cell_of_a_table_repeats_its_column_for_narrow_screens() -> None:
    text = notice_page(policy(), "en")
    assert re.findall(r'data-label="([^"]*)"', text) == re.findall(r'columnheader">([^<]*)<', text)


def test_a_value_that_a_template_misses_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError, match="version"):
        page("coverage.html.j2", "en", carried="1", clauses=[])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_notice_tells_data_fineness_period_recipient_and_ground(language: Language) -> None:
    text = notice_page(policy(), language)
    title, speed, kept, fine, who = {
        "en": ("Study", "speed", "90 days after your contract ends, in any case 400 days",
               "time within 10 minutes", "the team [within our company]"),
        "ja": ("研究", "速度", "契約の終了から90日、最長400日", "時刻は10分単位", "研究の担当（社内）"),
    }[language]  # fmt: skip
    for said in (title, speed, kept, fine, who, "c@example.jp"):
        assert said in text
    assert is_alone(text)


def test_the_notice_leaves_out_what_is_denied() -> None:
    assert "研究" not in notice_page(policy(replace(CELL, signals=())), "ja")


def test_a_life_without_an_open_end_has_no_cap() -> None:
    plain = PlanRetention(Period(1, "months"), "reading", None, Grain.DAY, LOAD)
    assert keep_words(plain, translation("en")) == "1 month after it was recorded"
    assert precision_words(Exact(), 1000, translation("ja")) == "測定したままの位置、時刻は1秒単位"


def test_the_record_names_activities_recipients_countries_periods_measures() -> None:
    record = processing_record(policy())
    (activity,) = record["activities"]
    assert activity["recipients"][0]["countries"] == ["JP"]
    assert activity["data"][0] | {"at_most": "90 days", "cap": "400 days"} == activity["data"][0]
    assert any("pseudonyms" in measure["en"] for measure in record["measures"])
    assert record["controller"]["contact"] == "c@example.jp"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_record_is_a_page_too(language: Language) -> None:
    text = record_page(policy(), language)
    because = {"en": "load profiles", "ja": "負荷を知るため"}[language]
    assert is_alone(text) and because in text
