"""What the program carries out of a policy, and what stays words: closed, shown and counted."""

from dataclasses import replace

import pytest

from policy.compiler.compile import compile_plan
from policy.plan.carried_out import counted, lacking, rules, state
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.vocabulary.capabilities import Capability, State, exists
from policy.vocabulary.terms import DocumentPart
from policy.vocabulary.words import CALENDAR_TRIGGERS, OPEN_TRIGGERS
from roadfade.commands.policy.choice import policy_or_exit
from tests.support.evidence import SHOWN
from tests.support.evidence import lacking as lacking_evidence


@pytest.fixture(scope="module")
def shipped() -> Plan:
    return policy_or_exit(None).plan


def test_each_capability_that_exists_is_shown_by_tests_and_no_other_is() -> None:
    assert set(SHOWN) == {one for one in Capability if exists(one)}
    assert all(SHOWN.values())


def test_a_cell_is_carried_out_only_if_all_that_it_says_is(shipped: Plan) -> None:
    carried = next(cell for cell in shipped.cells if not lacking(cell))
    assert state(lacking(carried)) is State.CARRIED_OUT
    keep = carried.retention
    for trigger in OPEN_TRIGGERS:
        assert lacking(replace(carried, retention=replace(keep, trigger=trigger))) == ()
    for trigger in CALENDAR_TRIGGERS:
        waiting = replace(carried, retention=replace(keep, trigger=trigger))
        assert lacking(waiting) == (Capability.RECORDS,)
        assert state(lacking(waiting)) is State.WRITTEN
    windowed = replace(carried, delivery=replace(carried.delivery, release="10 min"))
    assert lacking(windowed) == (Capability.RELEASE_WINDOWS,)
    records = replace(carried, delivery=replace(carried.delivery, mode="records"))
    assert lacking(records) == (Capability.RECORDS,)


def test_the_cells_of_the_shipped_policy_add_up(shipped: Plan) -> None:
    cells = counted(shipped)
    assert cells.carried_out + cells.written == len(shipped.cells)
    streamed = [cell for cell in shipped.cells if cell.delivery.mode == "stream"]
    assert 0 < cells.carried_out < len(streamed) < len(shipped.cells)


def test_every_rule_that_a_clause_may_name_has_a_state(shipped: Plan) -> None:
    known = rules(shipped)
    assert set(DocumentPart) <= set(known)
    assert set(shipped.titles) <= set(known)
    assert {cell.id for cell in shipped.cells} <= set(known)
    assert {forbid.id for forbid in shipped.forbids} <= set(known)


def test_a_purpose_lacks_what_any_of_its_cells_lacks(shipped: Plan) -> None:
    known = rules(shipped)
    for purpose in shipped.titles:
        own = [lacking(cell) for cell in shipped.cells if cell.purpose == purpose]
        assert {one for cell in own for one in cell} <= set(known[purpose])


def test_a_forbid_of_joining_is_words_and_any_other_binds(shipped: Plan) -> None:
    known = rules(shipped)
    for forbid in shipped.forbids:
        assert known[forbid.id] == ((Capability.JOINS,) if forbid.join else ())


def test_evidence_is_what_ran_and_passed_with_all_its_parameters() -> None:
    names = ["t.py::test_a", "t.py::test_b", "t.py::test_c"]
    outcomes = {"t.py::test_a": {"passed"}, "t.py::test_b": {"passed", "skipped"}}
    assert lacking_evidence(names, outcomes) == [
        "t.py::test_b: passed, skipped",
        "t.py::test_c did not run",
    ]


def test_a_plan_without_cells_counts_none() -> None:
    compiled = policy_or_exit(None)
    assert compile_plan(compiled.document, compiled.plan.catalogue, Limits()).plan is not None
    assert counted(replace(compiled.plan, cells=())) == (0, 0, {})
