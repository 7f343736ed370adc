"""A recipient's, or a cell's, last day closes a stream on that day: not before, and not later."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.explain.explain import explain
from policy.explain.question import Consent, Question
from policy.plan.plan import Plan
from processors.minimise import Minimised
from telemetry.instants import DAY_MS, HOUR_MS, parse_instant
from telemetry.outcome import Withheld
from telemetry.wire.flow import OutputFlow
from telemetry.wire.record import decode_record
from tests.support.documents import FILES, FUEL, SPEED, bent, plan_of
from tests.support.times import examples
from tests.support.worlds import World, column, envelope, without_ids

PAGE = "purposes/study.yaml"
TEAM = "{id: team, class: internal, who: {ja: 研究の担当, en: the team}, countries: [JP]"
TWO = f"{TEAM}, until: 2026-12-01}}\n  - {TEAM.replace('id: team', 'id: desk')}}}"
CLOSES_MS = parse_instant("2026-11-30T15:00:00Z")
"""2026-12-01 begins in Tokyo."""
A_WEEK_BEFORE_MS = CLOSES_MS - 7 * DAY_MS


def ending() -> Plan:
    """The team's last day is the first of December, the desk has none."""
    return plan_of(bent(PAGE, f"{TEAM}}}", TWO))


def of_cell() -> Plan:
    """One recipient: speed ends on the first of December, the rest goes on."""
    return plan_of(bent(PAGE, "  C09:\n", "  C09:\n    until: 2026-12-01\n"))


def world(plan: Plan) -> World:
    one = World(plan)
    one.register()
    one.link()
    return one


def drive(at_ms: int, id_: str = "01K0000000000000000000TEST") -> bytes:
    series = {SPEED: column("km/h", [40.0, 41.0]), FUEL: column("percent", [50.0])}
    return envelope(series, at_ms=at_ms, id=id_)


def fed(one: World, now_ms: int) -> list[Minimised]:
    return one.feed(drive(now_ms - 60_000), received_ms=now_ms - 30_000, now_ms=now_ms)


def topics(records: list[Minimised]) -> set[str]:
    return {one.topic for one in records}


def test_a_contract_that_ends_next_week_closes_its_stream_then_and_not_now() -> None:
    one = world(ending())
    both = {"purpose.study.team", "purpose.study.desk"}
    assert topics(fed(one, A_WEEK_BEFORE_MS)) == both
    assert topics(fed(one, CLOSES_MS - 1)) == both
    assert topics(fed(one, CLOSES_MS)) == {"purpose.study.desk"}
    flow = one.ledger()["study.team"]
    assert flow.closes
    assert (flow.entered, flow.withheld) == (9, {"ended": 3, "thinned": 1})


def test_a_reading_of_before_the_last_day_that_comes_after_it_is_not_passed() -> None:
    one = world(ending())
    late = drive(CLOSES_MS - DAY_MS)
    out = one.feed(late, received_ms=CLOSES_MS - DAY_MS + 60_000, now_ms=CLOSES_MS + HOUR_MS)
    assert topics(out) == {"purpose.study.desk"}


def test_a_cells_last_day_closes_that_cell_alone() -> None:
    one = world(of_cell())

    def paths(now_ms: int) -> set[str]:
        return {path for out in fed(one, now_ms) for path in decode_record(out.value).series}

    assert paths(CLOSES_MS - 1) == {SPEED, FUEL}
    assert paths(CLOSES_MS) == {FUEL}


def test_of_two_last_days_the_earlier_counts() -> None:
    files = bent(PAGE, f"{TEAM}}}", f"{TEAM}, until: 2026-12-01}}")
    files[PAGE] = files[PAGE].replace("  C09:\n", "  C09:\n    until: 2027-01-01\n")
    files[PAGE] = files[PAGE].replace("  C11:\n", "  C11:\n    until: 2026-11-01\n")
    plan = plan_of(files)
    ends = {cell.category: cell.until for cell in plan.cells}
    assert ends == {"C07": "2026-12-01", "C09": "2026-12-01", "C11": "2026-11-01"}


def test_a_consent_that_is_missing_comes_before_the_last_day() -> None:
    files = bent(PAGE, f"{TEAM}}}", f"{TEAM}, until: 2026-12-01}}")
    files[PAGE] = files[PAGE].replace(
        "  C09:\n", "  C09:\n    basis: {kind: opt_in, notice: study@1}\n"
    )
    one = world(plan_of(files))
    fed(one, CLOSES_MS)
    assert one.ledger()["study"].withheld == {"no_consent": 2, "ended": 1}


def test_no_key_is_asked_for_what_has_ended() -> None:
    one = world(plan_of(bent(PAGE, f"{TEAM}}}", f"{TEAM}, until: 2026-12-01}}")))
    assert fed(one, CLOSES_MS) == []
    assert dict(one.keys) == {}


@settings(max_examples=examples(60), deadline=None)
@given(
    nows=st.lists(
        st.sampled_from([-7 * DAY_MS, -HOUR_MS, -1, 0, 1, HOUR_MS, 7 * DAY_MS]), min_size=1
    )
)
def test_whatever_was_asked_before_each_record_is_judged_at_its_own_instant(
    nows: list[int],
) -> None:
    usual, exact = world(ending()), world(ending())
    for after_ms in nows:
        now_ms = CLOSES_MS + after_ms
        out = fed(usual, now_ms)
        assert ("purpose.study.team" in topics(out)) == (after_ms < 0)
        raw = drive(now_ms - 60_000)
        slow = exact.processor.process(raw, now_ms - 30_000, now_ms, exact.tally, exact.state)
        assert without_ids(slow) == without_ids(out)
    flows: list[dict[str, OutputFlow]] = [usual.ledger(), exact.ledger()]
    assert flows[0] == flows[1]
    assert all(flow.closes for flow in flows[0].values())
    ended = 3 * sum(after_ms >= 0 for after_ms in nows)
    assert flows[0]["study.team"].withheld.get("ended", 0) == ended


@pytest.mark.parametrize(("now_ms", "reason"), [(CLOSES_MS - 1, None), (CLOSES_MS, "ended")])
def test_an_explanation_is_of_its_instant(now_ms: int, reason: str | None) -> None:
    asked = Question(SPEED, "study", "team", Consent.NONE, now_ms - 60_000, now_ms)
    answer = explain(ending(), asked)
    assert (answer.decision, answer.reason) == (
        ("deliver", None) if reason is None else ("withhold", Withheld(reason))
    )


def test_what_no_document_dates_has_no_last_day() -> None:
    plan = plan_of(FILES)
    rules = [rule for output in plan.outputs for lane in output.lanes for rule in lane.rules]
    assert {rule.until_ms for rule in rules} == {None}
