"""Figures in notices are the cells' own, or the document does not compile."""

import pytest

from pages.notice.texts import notice_text
from pages.words.titles import Titles
from policy.vocabulary.notice_words import figures, parts
from policy.vocabulary.words import WordError
from tests.policy.compiler.test_refusals import changed, messages
from tests.support.documents import FILES, policy_of

NOTICE = "notices/study@1.yaml"
EN = "We use it to study."


def saying(text: str) -> dict[str, str]:
    return changed(FILES, NOTICE, f"en: {EN}", f'en: "{text}"')


@pytest.mark.parametrize(
    "text",
    [
        "for 30 days", "for 3.5 hours", "for seven years", "ten people or more", "every ten seconds",
        "５年で消去します", "三年で消去します", "十二か月", "500メートル", "three-month windows",
    ],
)  # fmt: skip
def test_a_figure_is_seen_in_digits_and_in_words(text: str) -> None:
    assert figures(text)


@pytest.mark.parametrize(
    "text",
    [
        "one of our teams",
        "checked by a second person",
        "一人ひとり",
        "千代田区",
        "{C09.keep}",
        "twice",
    ],
)
def test_what_is_no_figure_may_stand(text: str) -> None:
    assert figures(text) == ()


def test_a_bare_figure_does_not_compile_and_the_remedy_shows_a_placeholder() -> None:
    said = messages(saying("Kept for 12 months."))
    assert "a figure in a notice is bound to no cell (here: 12)" in said
    assert "`{C07.keep}`" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{C09.kept}", "`{C09.kept}` is no placeholder"),
        ("{speed}", "`{speed}` is no placeholder"),
        ("{C09.keep", "a brace that belongs to no placeholder"),
        ("{C06.keep}", "{C06.keep} means no cell that rests on this notice"),
        ("{C09#2.keep}", "{C09#2.keep} means no cell that rests on this notice"),
        ("{C09.cap}", "{C09.cap} stands for nothing"),
        ("{C09.least}", "{C09.least} stands for nothing"),
        ("{C11.step}", "{C11.step} stands for nothing"),
    ],
)
def test_a_placeholder_that_means_nothing_is_refused(text: str, message: str) -> None:
    assert message in messages(saying(text))


def test_a_placeholder_that_means_several_things_is_refused() -> None:
    two = changed(
        FILES,
        "purposes/study.yaml",
        "  C11:\n    precision: P0",
        "  C11:\n    precision: P0\n"
        "    do: {Vehicle.OBD.FuelLevel: round 5 percent, Vehicle.OBD.EngineSpeed: round 50 rpm}",
    )
    several = changed(two, NOTICE, f"en: {EN}", 'en: "{C11.step}"')
    assert "{C11.step} stands for several things" in messages(several)
    named = changed(two, NOTICE, f"en: {EN}", 'en: "{C11.step Vehicle.OBD.FuelLevel}"')
    assert notice_text(policy_of(named), "study@1", Titles(policy_of(named).document, "en")) == "5%"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            "location, speed, powertrain: 12 months, every 10 s, steps of 10 km/h, 500 m, 10 minutes",
        ),
        ("ja", "位置、速度、動力: 12か月, every 10秒, steps of 10 km/h, 500 m, 10分"),
    ],
)
def test_people_read_the_cells_own_figures(language: str, expected: str) -> None:
    text = "{data}: {C09.keep}, every {C09.every}, steps of {C09.step}, {C07.place}, {C07.time}"
    files = changed(FILES, NOTICE, "ja: 研究のために使います。", f'ja: "{text}"')
    files = changed(files, NOTICE, f"en: {EN}", f'en: "{text}"')
    policy = policy_of(files)
    assert language in ("ja", "en")
    titles = Titles(policy.document, "ja" if language == "ja" else "en")
    assert notice_text(policy, "study@1", titles) == expected


def test_a_minimum_is_told_beside_the_maximum() -> None:
    speed = "bucket 10 km/h]}\n    keep: {at_most: 12 months,"
    files = changed(FILES, "purposes/study.yaml", speed, f"{speed} at_least: 3 months,")
    policy = policy_of(changed(files, NOTICE, f"en: {EN}", 'en: "{C09.least} to {C09.keep}"'))
    titles = Titles(policy.document, "en")
    assert notice_text(policy, "study@1", titles) == "3 months to 12 months"


def test_words_and_placeholders_put_together_are_the_text() -> None:
    text = "a {data} b {C07#2.place} c {C11.step Vehicle.Speed}"
    assert "".join(map(str, parts(text))) == text
    with pytest.raises(WordError):
        parts("{}")


def test_an_earlier_notice_stays_in_the_folder_and_is_only_told() -> None:
    earlier = FILES[NOTICE].replace("study@1", "study@9").replace(EN, "'Kept {C09.keep}.'")
    kept = {**FILES, "notices/study@9.yaml": earlier}
    assert messages(kept) == ""
