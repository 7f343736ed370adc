from dataclasses import replace
from pathlib import Path

import pytest

from pages.coverage import Covered, coverage, coverage_json, coverage_page
from policy.compiled import CompiledPolicy
from policy.vocabulary.bilingual import Language
from roadfade.commands.policy.choice import policy_or_exit

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shipped() -> CompiledPolicy:
    return policy_or_exit(None, as_json=False)


@pytest.fixture(scope="module")
def clauses(shipped: CompiledPolicy) -> dict[str, Covered]:
    return {clause.id: clause for clause in coverage(shipped)}


def test_every_clause_of_the_published_policy_is_carried_out_and_shown(
    clauses: dict[str, Covered],
) -> None:
    assert {"S0", "C1-04", "C2-08", "C3-1③", "C4-1", "C5", "CX"} <= set(clauses)
    assert [name for name, clause in clauses.items() if clause.missing] == []


def test_a_clause_names_the_rules_that_cite_it_and_their_cases(
    clauses: dict[str, Covered],
) -> None:
    research = clauses["C2-08"]
    assert "product_rnd/rnd/C09" in research.rules
    assert "product_rnd/forbid/1" in research.rules
    assert any(case.startswith("cases/product_rnd.yaml:") for case in research.cases)


def test_evidence_that_names_a_file_names_one_that_is_there(clauses: dict[str, Covered]) -> None:
    named = {e for clause in clauses.values() for e in clause.evidence if e.startswith("tests/")}
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_a_clause_without_rules_and_duties_fails(clauses: dict[str, Covered]) -> None:
    bare = replace(clauses["C2-08"], rules=(), duties=())
    unseen = replace(clauses["C2-08"], cases=(), evidence=())
    assert bare.missing and unseen.missing
    assert coverage_json((bare,))["holds"] is False
    assert coverage_json((clauses["C2-08"],))["holds"] is True


@pytest.mark.parametrize(("language", "said"), [("en", "not carried out"), ("ja", "対応なし")])
def test_the_page_marks_what_is_not_carried_out(
    shipped: CompiledPolicy, clauses: dict[str, Covered], language: Language, said: str
) -> None:
    everything = tuple(clauses.values())
    assert said not in coverage_page(everything, shipped, language)
    lacking = (*everything, replace(everything[0], rules=(), duties=()))
    assert said in coverage_page(lacking, shipped, language)
