"""Three sentences that hold for every document: default deny, forbid wins, nothing outlives."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.compiler.compile import compile_plan
from policy.explain.explain import explain
from policy.explain.question import Consent, Question
from policy.language.document import Document
from policy.language.parse import parse
from policy.language.problems import Findings
from policy.language.yaml_text import read_yaml
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.vocabulary.operations import Bucket, Keep, Operation, Round, apply
from policy.vocabulary.periods import add_period
from telemetry.instants import DAY_MS, MINUTE_MS, Grain, parse_instant
from telemetry.wire.record import LATITUDE, LONGITUDE, TROUBLE_CODES
from tests.support.documents import ALTITUDE, CATALOGUE, FILES, FUEL, SPEED, VIN
from tests.support.mutants import Mutant, document_with
from tests.support.times import examples

STUDY = "purposes/study.yaml"
RECIPIENTS = ("team", "desk", "lab")
CATEGORIES = {
    "C07": (LATITUDE, LONGITUDE),
    "C09": (SPEED,),
    "C10": (TROUBLE_CODES,),
    "C11": (FUEL,),
}
START_MS = parse_instant("2026-10-01T00:00:00Z")

cells = st.dictionaries(
    st.sampled_from(sorted(CATEGORIES)),
    st.tuples(
        st.sets(st.sampled_from(RECIPIENTS), min_size=1),
        st.sampled_from(["P0", "P2", "P3"]),
        st.sampled_from(["30 days", "90 days", "13 months", "24 months"]),
        st.sampled_from(["published", "opt_in", "location"]),
    ),
    min_size=1,
)
forbids = st.lists(
    st.tuples(
        st.sets(st.sampled_from([*RECIPIENTS, "internal", "third_party"])),
        st.sets(st.sampled_from(sorted(CATEGORIES))),
    ).filter(lambda named: bool(named[0] or named[1])),
    max_size=3,
)


def _page() -> dict[str, Any]:
    read = read_yaml(STUDY, FILES[STUDY], Findings())
    assert read is not None
    value: dict[str, Any] = read[0]
    return value


def _document() -> Document:
    document = parse(FILES)
    assert isinstance(document, Document)
    return document


PAGE, DOCUMENT = _page(), _document()
UNHURRIED = settings(deadline=None, max_examples=examples(40))
Cells = Mapping[str, tuple[set[str], str, str, str]]
Forbids = list[tuple[set[str], set[str]]]


def plan(chosen: Cells, forbidden: Forbids, limits: Limits | None = None) -> Plan:
    """The small document's plan with these recipients, cells and forbids, as values, not as text."""
    who = {"ja": "担当", "en": "w"}
    reason = {"ja": "理由", "en": "a reason"}
    recipients = tuple(
        {"id": name, "class": "internal", "who": who, "countries": ("JP",)} for name in RECIPIENTS
    )
    cells_of = {
        category: {
            "to": tuple(sorted(to)),
            "precision": precision,
            "basis": {"kind": basis, "notice": "study@1"},
            "cites": ("C2-08",),
            "keep": {"at_most": period, "from": "reading", "because": reason},
        }
        for category, (to, precision, period, basis) in chosen.items()
    }
    forbids_of = tuple(
        {
            "to": tuple(sorted(to)),
            "category": tuple(sorted(categories)),
            "because": "a reason",
            "cites": ("C1-03",),
        }
        for to, categories in forbidden
    )
    page = {**PAGE, "recipients": recipients, "cells": cells_of, "forbids": forbids_of}
    document = document_with(DOCUMENT, Mutant(STUDY, (), "", page))
    assert document is not None
    made = compile_plan(document, CATALOGUE, limits or Limits())
    assert made.plan is not None, made.problems
    return made.plan


def delivered(made: Plan, age_ms: int = MINUTE_MS) -> set[tuple[str, str, Consent]]:
    """Every (recipient, signal, consent) that is let through."""
    return {
        (recipient, signal.path, consent)
        for recipient in (*RECIPIENTS, "stranger")
        for signal in CATALOGUE
        for consent in Consent
        if explain(
            made, Question(signal.path, "study", recipient, consent, START_MS, START_MS + age_ms)
        ).decision
        == "deliver"
    }


@UNHURRIED
@given(chosen=cells)
def test_what_no_cell_permits_is_denied(chosen: Cells) -> None:
    named = {
        (recipient, signal)
        for category, (to, _, _, _) in chosen.items()
        for recipient in to
        for signal in (*CATEGORIES[category], *(["Vehicle.OBD.EngineSpeed"] * (category == "C11")))
    }
    through = delivered(plan(chosen, []))
    assert {(recipient, signal) for recipient, signal, _ in through} == named
    assert not any(signal in (ALTITUDE, VIN) for _, signal, _ in through)


@UNHURRIED
@given(chosen=cells)
def test_without_a_consent_no_consent_based_cell_opens(chosen: Cells) -> None:
    based = {s for c, cell in chosen.items() if cell[3] != "published" for s in CATEGORIES[c]}
    for _, signal, consent in delivered(plan(chosen, [])):
        assert signal not in based or consent is Consent.GIVEN


@UNHURRIED
@given(chosen=cells, forbidden=forbids, one_more=forbids)
def test_adding_a_forbid_never_lets_more_through(
    chosen: Cells, forbidden: Forbids, one_more: Forbids
) -> None:
    before = delivered(plan(chosen, forbidden))
    after = delivered(plan(chosen, [*forbidden, *one_more]))
    assert after <= before


@UNHURRIED
@given(
    chosen=cells,
    age_days=st.integers(0, 900),
    grain=st.none() | st.sampled_from(Grain),
    topic_ms=st.none() | st.integers(MINUTE_MS, 40 * DAY_MS),
)
def test_nothing_outlives_its_rule(
    chosen: Cells, age_days: int, grain: Grain | None, topic_ms: int | None
) -> None:
    limits = Limits(grain_at_most=grain, topic_retention_ms_at_most=topic_ms)
    made = plan(chosen, [], limits)
    now_ms = START_MS + age_days * DAY_MS
    for output in made.outputs:
        for lane in output.lanes:
            for rule in lane.rules:
                question = Question(
                    rule.signal, "study", output.recipient, Consent.GIVEN, START_MS, now_ms
                )
                (one,) = [a for a in explain(made, question).rules if a.rule == rule.id]
                end_ms = parse_instant(one.expires_at)
                assert end_ms <= add_period(START_MS, lane.period)
                if one.reason is None:
                    assert now_ms + output.transport.bound_ms <= end_ms


@pytest.mark.parametrize("age_days", [0, 400])
def test_the_ledger_of_reasons_is_closed(age_days: int) -> None:
    chosen: Cells = {"C09": ({"team"}, "P0", "13 months", "published")}
    assert len(delivered(plan(chosen, []), age_days * DAY_MS)) == (4 if age_days == 0 else 0)


numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
coarsenings = st.sampled_from([Round(1), Round(0.1), Round(5), Bucket(10), Bucket(2.5), Keep()])


@UNHURRIED
@given(value=numbers, operation=coarsenings)
def test_minimising_twice_equals_once(value: float, operation: Operation) -> None:
    once = apply((operation,), value)
    assert apply((operation,), once) == once


@UNHURRIED
@given(
    one=numbers,
    other=numbers,
    width=st.sampled_from([1.0, 2.5, 10.0]),
    times=st.integers(1, 12),
)
def test_a_coarser_bucket_never_tells_apart_what_a_finer_one_does_not(
    one: float, other: float, width: float, times: int
) -> None:
    if apply([Bucket(width)], one) == apply([Bucket(width)], other):
        wide = Bucket(width * times)
        assert apply([wide], one) == apply([wide], other)


@UNHURRIED
@given(chosen=cells, coarser=st.sampled_from(["P2", "P3"]))
def test_a_coarser_precision_never_opens_what_a_finer_one_withholds(
    chosen: Cells, coarser: str
) -> None:
    order = ["P0", "P2", "P3"]
    coarse = {
        category: (to, max(precision, coarser, key=order.index), period, basis)
        for category, (to, precision, period, basis) in chosen.items()
    }
    assert delivered(plan(coarse, [])) <= delivered(plan(chosen, []))
    for output in plan(coarse, []).outputs:
        for lane in output.lanes:
            assert lane.time_floor_ms >= 10 * MINUTE_MS
