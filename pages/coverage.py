"""How far each clause of the published privacy policy has come: carried out, written, or people's.

A clause is *carried out* if the program carries out every rule that cites it or is named for it
in clauses.yaml, and a case or a test that is about it shows that. It is *written, not carried out
yet* if any of its rules lacks something, and *left to people* if it has duties alone. A clause
that nothing answers for is refused by the compiler.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.compiled import CompiledPolicy
from policy.language.authority_files import Clause, Duty
from policy.plan.carried_out import Lacking, rules, together, without
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.capabilities import Capability, State


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause with all that carries it out."""

    id: str
    title: Bilingual
    law: Mapping[str, Bilingual]
    """What the clause follows, by id: laws, guidelines, orders."""
    rules: Mapping[str, Lacking]
    """Each rule with what it lacks to be carried out."""
    needs: Lacking
    """What the clause asks of the program beyond its rules, and the program does not have."""
    duties: tuple[Duty, ...]
    """What people do for it, each with the trace it leaves."""
    cases: tuple[str, ...]
    """``cases/<file>:line`` of cases that say they are about it."""
    evidence: tuple[str, ...]
    """Tests of the program, as ``tests/policy/test_shipped.py::test_its_cases_hold``. The suite
    fails unless each of them ran and passed."""

    @property
    def state(self) -> State:
        """How far it has come; without anything that shows it, it is written and no more."""
        if not self.rules:
            return State.PEOPLE if self.duties else State.WRITTEN
        shown = self.cases or self.evidence
        return State.WRITTEN if self.lacks or not shown else State.CARRIED_OUT

    @property
    def lacks(self) -> Lacking:
        """What keeps its rules from being carried out, each once."""
        return together((*self.rules.values(), self.needs))

    @property
    def carried(self) -> int:
        """How many of its rules are carried out."""
        return sum(not lacking for lacking in self.rules.values())


def coverage(policy: CompiledPolicy) -> tuple[Covered, ...]:
    """Every clause in the order of authorities.yaml."""
    authorities = policy.document.authorities.content.authorities
    known = rules(policy.plan)
    return tuple(
        _covered(policy, known, name)
        for name, authority in authorities.items()
        if authority.kind == "clause"
    )


def _covered(policy: CompiledPolicy, known: Mapping[str, Lacking], name: str) -> Covered:
    document, plan = policy.document, policy.plan
    row = document.clauses.content.clauses.get(name, Clause())
    authorities = document.authorities.content.authorities
    law = {source: authorities[source].title for source in row.cites}
    citing = [*row.rules]
    citing += [cell.id for cell in plan.cells if name in cell.cites]
    citing += [forbid.id for forbid in plan.forbids if name in forbid.cites]
    citing += [f"combine/{n}" for n, one in enumerate(plan.combines, 1) if name in one.cites]
    cases = [
        str(sheet.where("cases", number)).rsplit(":", 1)[0]
        for sheet in document.cases.values()
        for number, case in enumerate(sheet.content.cases)
        if case.about == name
    ]
    every = {rule: known[rule] for rule in dict.fromkeys(citing)}
    needs = without(map(Capability, row.needs))
    title = authorities[name].title
    return Covered(name, title, law, every, needs, row.duties, tuple(cases), row.evidence)


def totals(found: tuple[Covered, ...]) -> Mapping[State, int]:
    """How many clauses are in each state; the three add up to all of them."""
    counted = Counter(clause.state for clause in found)
    return {state: counted[state] for state in State}


def coverage_json(found: tuple[Covered, ...]) -> dict[str, Any]:
    """The three numbers, and each clause; a duty is bilingual.

    ``{"carried_out": n, "written": n, "people": n, "clauses": [{"id", "law", "state", "lacks",
    "rules", "rules_carried_out", "duties", "cases", "evidence"}]}``
    """
    return {
        **{str(state): count for state, count in totals(found).items()},
        "clauses": [
            {
                "id": clause.id,
                "law": list(clause.law),
                "state": str(clause.state),
                "lacks": [str(one) for one in clause.lacks],
                "rules": [
                    {"id": rule, "lacks": [str(one) for one in lacks]}
                    for rule, lacks in clause.rules.items()
                ],
                "rules_carried_out": clause.carried,
                "duties": [duty.model_dump(mode="json") for duty in clause.duties],
                "cases": list(clause.cases),
                "evidence": list(clause.evidence),
            }
            for clause in found
        ],
    }
