"""A duty names who does it, the trace it leaves, and when somebody looks at it; or is refused."""

import pytest

from pages.coverage import coverage, coverage_json
from pages.coverage_page import coverage_page
from policy.versions.reviews import reviews_due
from policy.vocabulary.bilingual import Language
from telemetry.instants import parse_instant
from tests.support.documents import FILES, bent, errors, policy_of

CLAUSES = "clauses.yaml"
WHO = "who: {ja: 責任者, en: the officer}"
DOES = "duty: {ja: 期間を決める, en: chooses each period}"
TRACE = "evidence: {ja: 承認の記録, en: record of approvals}"
DAY = "review_on: 2027-10-01"


def with_duty(*parts: str) -> dict[str, str]:
    row = FILES[CLAUSES][FILES[CLAUSES].index("evidence:") :].rstrip("\n")
    return bent(CLAUSES, row, f"duties: [{{{', '.join(parts)}}}]}}")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((DOES, TRACE, DAY), "`who` is missing; add `who: {ja: 個人情報の責任者, en: the privacy officer}`"),
        ((WHO, DOES, DAY), "`evidence` is missing; add `evidence: {ja: 承認の記録, en: record of approvals}`"),
        ((WHO, DOES, TRACE), "`review_on` is missing; add `review_on: 2027-10-01`"),
    ],
)  # fmt: skip
def test_a_duty_that_names_less_is_refused(parts: tuple[str, ...], said: str) -> None:
    (error,) = errors(with_duty(*parts))
    place, _, message = error.partition(" ")
    assert place.startswith("clauses.yaml:2:")
    assert message == f"error: {said}"


@pytest.mark.parametrize(
    "evidence", ["a record", "tests/../../etc/passwd x", "/docs/a.md", "{ja: 記録}", "[tests/a.py]", "2"]
)  # fmt: skip
def test_evidence_is_a_text_in_both_languages_or_a_file_of_the_program(evidence: str) -> None:
    (error,) = errors(with_duty(WHO, DOES, f"evidence: {evidence}", DAY))
    assert "`evidence`: neither a text in both languages nor a file of the program" in error
    for file in ("tests/policy/test_shipped.py", "docs/privacy-office.md"):
        assert errors(with_duty(WHO, DOES, f"evidence: {file}", DAY)) == []


@pytest.mark.parametrize(
    ("language", "duty", "trace"),
    [
        ("en", "the officer: chooses each period (looked at again on 2027-10-01)", "record of approvals"),
        ("ja", "責任者：期間を決める（2027年10月1日に見直し）", "承認の記録"),
    ],
)  # fmt: skip
def test_the_coverage_page_prints_who_what_and_when(
    language: Language, duty: str, trace: str
) -> None:
    policy = policy_of(with_duty(WHO, DOES, TRACE, DAY))
    text = coverage_page(coverage(policy), policy, language)
    assert duty in text and trace in text
    (clause,) = coverage_json(coverage(policy))["clauses"]
    assert clause["duties"] == [
        {
            "who": {"ja": "責任者", "en": "the officer"},
            "duty": {"ja": "期間を決める", "en": "chooses each period"},
            "evidence": {"ja": "承認の記録", "en": "record of approvals"},
            "review_on": "2027-10-01",
        }
    ]


def test_a_file_as_evidence_is_printed_as_it_is_called() -> None:
    policy = policy_of(with_duty(WHO, DOES, "evidence: docs/privacy-office.md", DAY))
    assert "docs/privacy-office.md" in coverage_page(coverage(policy), policy, "en")
    (clause,) = coverage_json(coverage(policy))["clauses"]
    assert clause["duties"][0]["evidence"] == "docs/privacy-office.md"


def test_a_duty_whose_day_has_come_is_warned_of() -> None:
    document = policy_of(with_duty(WHO, DOES, TRACE, DAY)).document
    due_ms = parse_instant("2027-09-30T15:00:00Z")
    assert reviews_due(document, due_ms - 1) == ()
    (warning,) = reviews_due(document, due_ms)
    assert "the review of what the officer does for C2-08 is due (here: 2027-10-01)" in str(warning)
