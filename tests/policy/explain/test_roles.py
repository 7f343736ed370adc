"""What a forbid for people in some roles does to explain and to cases."""

import pytest

from policy.explain.cases import run_cases
from policy.explain.explain import explain
from policy.explain.question import Consent, Explanation, Question
from roadfade.commands.policy.as_json import explain_json
from telemetry.instants import DAY_MS, HOUR_MS, parse_instant
from telemetry.outcome import Withheld
from telemetry.wire.control import Role
from telemetry.wire.record import LATITUDE
from tests.support.documents import FUEL, SPEED, bent, plan_of, policy_of

EVENT_MS = parse_instant("2026-11-01T12:34:56Z")
PAGE, POLICY = "purposes/study.yaml", "policy.yaml"
CLOSED = bent(
    PAGE,
    "forbids: []",
    "forbids: [{when: {role: [minor, unknown]}, category: [C07, C09], because: not them, cites: [X-1]}]",
)
C06 = (
    "cells:\n  C06: {delivery: {mode: on_request, needs: case}, only: [vehicle_class], basis: "
    "{kind: opt_in, notice: study@1}, keep: {at_most: 30 days, from: reading, because: "
    "{ja: 例, en: an example}}, cites: [C2-08]}\n"
)
"""A cell of a fact that no topic carries and that rests on a consent."""


def ask(
    signal: str, role: Role | None, consent: Consent = Consent.GIVEN, age_ms: int = HOUR_MS
) -> Explanation:
    question = Question(signal, "study", "team", consent, EVENT_MS, EVENT_MS + age_ms, role)
    return explain(plan_of(CLOSED), question)


def test_a_forbid_for_a_role_is_named_where_it_decides() -> None:
    answer = ask(SPEED, "minor")
    assert (answer.decision, answer.reason) == ("withhold", Withheld.FORBIDDEN)
    (one,) = answer.rules
    assert (one.rule, one.authorities) == ("study/forbid/1", ("X-1",))
    assert one.where.file == PAGE


@pytest.mark.parametrize("role", ["driver", "employee", None])
def test_a_role_that_no_forbid_names_is_answered_as_ever(role: Role | None) -> None:
    assert ask(SPEED, role).decision == "deliver"


def test_whoever_is_told_that_it_is_delivered_is_told_to_whom_it_is_not() -> None:
    (said,) = ask(SPEED, "driver").alternatives
    assert said == "for people in one of these roles it is forbidden: minor, unknown"
    assert ask(FUEL, "minor").alternatives == ()


def test_the_json_answer_names_the_role_meant_and_whom_a_rule_leaves_out() -> None:
    shown = explain_json(ask(SPEED, "driver"))
    assert shown["role"] == "driver"
    assert [rule["not_for"] for rule in shown["rules"]] == [["minor", "unknown"]]
    assert explain_json(ask(SPEED, None))["role"] is None


def test_the_first_reason_of_the_ledger_decides_here_too() -> None:
    assert ask(LATITUDE, "minor", Consent.NONE).reason is Withheld.NO_CONSENT
    assert ask(LATITUDE, "minor", Consent.GIVEN, 40 * DAY_MS).reason is Withheld.FORBIDDEN
    assert ask(LATITUDE, "driver", Consent.GIVEN, 40 * DAY_MS).reason is Withheld.TOO_LATE


def test_a_forbid_for_a_role_reaches_what_no_topic_carries() -> None:
    forbid = "forbids: [{when: {role: minor}, because: not them, cites: [X-1]}]"
    files = bent(PAGE, "forbids: []", forbid)
    files[PAGE] = files[PAGE].replace("cells:\n", C06)
    plan = plan_of(files)
    (cell,) = [cell for cell in plan.cells if cell.facts]
    assert cell.not_for == {"vehicle_class": ("minor",)}
    question = Question(
        "vehicle_class", "study", "team", Consent.GIVEN, EVENT_MS, EVENT_MS, "minor"
    )
    assert explain(plan, question).reason is Withheld.FORBIDDEN


@pytest.mark.parametrize(
    ("case", "got"),
    [
        ("source: obd, expect: open", None),
        ("source: partner, expect: forbidden", None),
        ("source: partner, expect: open", "forbidden"),
        ("category: C09, to: team, role: minor, expect: forbidden", None),
        ("category: C09, to: team, role: driver, expect: open", None),
        (f"signal: {SPEED}, to: team, role: minor, expect: withhold forbidden", None),
        (f"signal: {SPEED}, to: team, role: minor, expect: deliver", "withhold forbidden"),
    ],
)
def test_cases_ask_for_sources_and_roles(case: str, got: str | None) -> None:
    files = {**CLOSED, "cases/study.yaml": f"cases:\n  - {{{case}}}\n"}
    failed = run_cases(policy_of(files)).failed
    assert [one.got for one in failed] == ([] if got is None else [got])


def test_a_house_rule_with_an_exception_is_no_answer_about_the_excepted() -> None:
    rule = "{category: C09, because: not so, cites: [X-1], except: [study]}"
    join = "{join: C09, because: not so, cites: [X-1], except: [study]}"
    files = bent(POLICY, "forbids: []", f"forbids: [{rule}, {join}]")
    cases = "category: C09, to: team, expect: open", "join: C09, expect: open"
    files["cases/study.yaml"] = "cases:\n" + "".join(f"  - {{{case}}}\n" for case in cases)
    assert run_cases(policy_of(files)).failed == ()


def test_a_forbid_of_one_signal_leaves_its_category_open() -> None:
    rule = f"{{signal: {SPEED}, because: not so, cites: [X-1]}}"
    files = bent(POLICY, "forbids: []", f"forbids: [{rule}]")
    files["cases/study.yaml"] = "cases:\n  - {category: C09, to: team, expect: open}\n"
    assert run_cases(policy_of(files)).failed == ()
