"""Decisions explain themselves: rules, authorities, and what would change them."""

import pytest

from policy.explain.advice import alternatives
from policy.explain.explain import UnknownNameError, explain
from policy.explain.question import Consent, Explanation, Question
from roadfade.commands.policy.as_json import explain_json
from telemetry.instants import DAY_MS, HOUR_MS, parse_instant
from telemetry.outcome import Rejected, Withheld
from telemetry.wire.record import LATITUDE
from tests.support.documents import ALTITUDE, FILES, FUEL, SPEED, bent, plan_of

EVENT_MS = parse_instant("2026-11-01T12:34:56Z")
PAGE = "purposes/study.yaml"


def ask(
    signal: str,
    consent: Consent = Consent.NONE,
    *,
    recipient: str | None = "team",
    age_ms: int = HOUR_MS,
    files: dict[str, str] | None = None,
) -> Explanation:
    question = Question(signal, "study", recipient, consent, EVENT_MS, EVENT_MS + age_ms)
    return explain(plan_of(files or FILES), question)


def test_a_delivery_names_rule_authority_treatment_and_end() -> None:
    answer = ask(SPEED)
    assert (answer.decision, answer.reason, answer.output) == ("deliver", None, "study")
    (one,) = answer.rules
    assert one.rule == "study/team/C09/Vehicle.Speed"
    assert one.authorities == ("C2-08",)
    assert one.treatment == ("thin 10 s", "bucket 10 km/h")
    assert one.expires_at == "2027-11-01T00:00:00Z"
    assert str(one.where) == "purposes/study.yaml:16:3"


@pytest.mark.parametrize("consent", [Consent.NONE, Consent.WITHDRAWN, Consent.EXPIRED])
def test_without_a_standing_consent_nothing_passes_and_the_notice_is_named(
    consent: Consent,
) -> None:
    answer = ask(LATITUDE, consent)
    assert (answer.decision, answer.reason) == ("withhold", Withheld.NO_CONSENT)
    assert answer.alternatives == (
        "a location consent under study@1, given before the reading and not withdrawn",
    )


def test_a_given_consent_delivers_and_says_what_withdrawing_does() -> None:
    answer = ask(LATITUDE, Consent.GIVEN)
    assert answer.decision == "deliver"
    assert answer.alternatives == ("withdrawing the consent under study@1 withholds it",)


def test_a_reading_that_would_outlive_its_topic_is_too_late() -> None:
    assert ask(LATITUDE, Consent.GIVEN, age_ms=22 * DAY_MS).decision == "deliver"
    answer = ask(LATITUDE, Consent.GIVEN, age_ms=23 * DAY_MS)
    assert (answer.decision, answer.reason) == ("withhold", Withheld.TOO_LATE)


def test_absent_is_deny() -> None:
    assert ask(ALTITUDE).reason is Withheld.NOT_COLLECTED
    assert ask(SPEED, recipient="stranger").reason is Withheld.NOT_IN_PURPOSE
    assert ask(SPEED, recipient="stranger").output is None


def test_what_only_a_suspended_purpose_selects_opens_when_that_goes_on() -> None:
    answer = ask(SPEED, files=bent(PAGE, "forbids: []", "forbids: []\nsuspended: true"))
    assert answer.decision == "withhold"
    (said,) = [one for one in answer.alternatives if "suspended" in one]
    assert not any("select this signal" in one for one in answer.alternatives), said


def test_a_forbid_is_named_with_its_place() -> None:
    forbid = "forbids: [{signal: Vehicle.OBD.FuelLevel, because: no reason, cites: [X-1]}]"
    two = bent(PAGE, "forbids: []", forbid)
    answer = ask(FUEL, files=two)
    (one,) = answer.rules
    assert (one.rule, one.reason, one.authorities) == (
        "study/forbid/1",
        Withheld.FORBIDDEN,
        ("X-1",),
    )


def test_an_unknown_signal_is_rejected_and_an_unknown_purpose_refused() -> None:
    answer = ask("Vehicle.Sped")
    assert answer.reason is Rejected.UNKNOWN_SIGNAL
    assert answer.alternatives[0].startswith("write `Vehicle.Speed`, or a path")
    with pytest.raises(UnknownNameError, match="the policy has: study"):
        explain(plan_of(), Question(SPEED, "studdy", None, Consent.NONE, 0, 0))


@pytest.mark.parametrize(
    ("reason", "said"), [(Withheld.OBJECTED, "lifted"), (Withheld.ERASED, "nothing opens it again")]
)
def test_what_a_person_asked_for_is_told_as_that(reason: Withheld, said: str) -> None:
    (opens,) = alternatives(reason, (), ask(SPEED).question)
    assert said in opens


def test_the_recipient_may_be_left_out_where_there_is_one() -> None:
    assert ask(SPEED, recipient=None).decision == "deliver"
    one = "  - {id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]}\n"
    two = bent(PAGE, one, one + one.replace("id: team", "id: desk"))
    with pytest.raises(UnknownNameError, match="it has: team, desk"):
        ask(SPEED, recipient=None, files=two)


def test_the_rendering_holds_every_part() -> None:
    shown = explain_json(ask(SPEED))
    assert shown["decision"] == "deliver"
    assert shown["event_time"] == "2026-11-01T12:34:56Z"
    assert shown["rules"][0] == {
        "rule": "study/team/C09/Vehicle.Speed",
        "answer": "deliver",
        "authorities": ["C2-08"],
        "where": "purposes/study.yaml:16:3",
        "not_for": [],
        "state": "carried_out",
        "lacks": [],
        "basis": "published",
        "notice": "study@1",
        "lane": "12-months.1s",
        "keep": "12 months",
        "at_least": None,
        "from": "reading",
        "expires_at": "2027-11-01T00:00:00Z",
        "time_floor": "1 s",
        "treatment": ["thin 10 s", "bucket 10 km/h"],
    }


@pytest.mark.parametrize("does", ["keep_before", "erase"])
def test_what_a_withdrawal_does_to_what_was_kept_is_told(does: str) -> None:
    files = bent(PAGE, "precision: P2\n", f"precision: P2\n    on_withdrawal: {does}\n")
    (rule,) = explain_json(ask(LATITUDE, consent=Consent.GIVEN, files=files))["rules"]
    assert rule["on_withdrawal"] == does
