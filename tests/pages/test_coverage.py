from dataclasses import replace
from pathlib import Path

import pytest

from pages.coverage import Covered, coverage, coverage_json, totals
from pages.coverage_page import coverage_page
from policy.compiled import CompiledPolicy
from policy.vocabulary.bilingual import Language
from policy.vocabulary.capabilities import Capability, State
from roadfade.commands.policy.choice import policy_or_exit

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shipped() -> CompiledPolicy:
    return policy_or_exit(None)


@pytest.fixture(scope="module")
def clauses(shipped: CompiledPolicy) -> dict[str, Covered]:
    return {clause.id: clause for clause in coverage(shipped)}


def test_every_clause_of_the_published_policy_has_a_state_and_the_three_add_up(
    clauses: dict[str, Covered],
) -> None:
    assert {"S0", "C1-04", "C2-08", "C3-1③", "C4-1", "C5", "CX"} <= set(clauses)
    found = tuple(clauses.values())
    counted = coverage_json(found)
    states = [counted[str(state)] for state in State]
    assert all(states)
    assert sum(states) == len(found) == len(counted["clauses"]) == sum(totals(found).values())


def test_what_the_program_cannot_do_is_not_called_carried_out(clauses: dict[str, Covered]) -> None:
    # Records, cases, figures, rights, registers: each is words today.
    for name, missing in {
        "C1-04": Capability.RECORDS,
        "C1-05": Capability.BROKER_RIGHTS,
        "C2-02": Capability.RECORDS,
        "C2-13": Capability.AGGREGATES,
        "C2-15": Capability.ON_REQUEST,
        "C2-16": Capability.REGISTERS,
    }.items():
        assert clauses[name].state is State.WRITTEN
        assert missing in clauses[name].lacks, name
    assert clauses["C1-06"].state is State.PEOPLE
    assert clauses["C4-1"].state is State.CARRIED_OUT
    assert clauses["S0"].state is State.CARRIED_OUT


def test_a_clause_names_the_rules_that_cite_it_and_only_cases_about_it(
    shipped: CompiledPolicy, clauses: dict[str, Covered]
) -> None:
    research = clauses["C2-08"]
    assert "product_rnd/rnd/C09" in research.rules
    assert "product_rnd/forbid/1" in research.rules
    about = {
        case.about for sheet in shipped.document.cases.values() for case in sheet.content.cases
    }
    assert all(bool(clause.cases) == (name in about) for name, clause in clauses.items())


def test_a_clause_tells_the_law_it_follows(
    shipped: CompiledPolicy, clauses: dict[str, Covered]
) -> None:
    assert list(clauses["C1-07"].law) == ["APPI-25"]
    shown = coverage_page(tuple(clauses.values()), shipped, "ja")
    assert "個人情報保護法施行令 第10条" in shown
    (desk,) = [
        one for one in coverage_json(tuple(clauses.values()))["clauses"] if one["id"] == "C5"
    ]
    assert desk["law"] == ["APPI-32", "APPI-ORDER-10", "APPI-40"]


def test_evidence_names_a_test_that_is_there(clauses: dict[str, Covered]) -> None:
    named = {name for clause in clauses.values() for name in clause.evidence}
    assert named
    for name in named:
        file, _, test = name.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(), name


def test_rules_without_anything_that_shows_them_are_written_and_no_more(
    clauses: dict[str, Covered],
) -> None:
    clause = clauses["C4-1"]
    assert replace(clause, cases=(), evidence=()).state is State.WRITTEN
    assert replace(clause, cases=()).state is State.CARRIED_OUT
    assert replace(clause, needs=(Capability.REGISTERS,)).state is State.WRITTEN
    assert replace(clause, rules={}).state is State.PEOPLE
    assert replace(clause, rules={}, duties=()).state is State.WRITTEN


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("carried out", "written, not carried out yet", "left to people")),
        ("ja", ("実施済み", "定めてあるが、まだ実施していない", "人が行う")),
    ],
)
def test_the_page_begins_with_the_three_numbers(
    shipped: CompiledPolicy, clauses: dict[str, Covered], language: Language, said: tuple[str, ...]
) -> None:
    found = tuple(clauses.values())
    page = coverage_page(found, shipped, language)
    for told, count in zip(said, totals(found).values(), strict=True):
        assert f"{count}</strong> {told}</li>" in page
