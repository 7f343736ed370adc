"""Which rules, duties, cases and tests carry out each clause of the published privacy policy.

A rule carries out a clause by citing it; people's duties and further evidence stand in
clauses.yaml. A clause that nothing carries out fails.
"""

from dataclasses import dataclass
from typing import Any, Final

from pages.markup import page
from pages.rules import RuleWords
from pages.titles import Titles
from policy.compiled import CompiledPolicy
from policy.language.authority_files import Clause, Duty
from policy.vocabulary.bilingual import Bilingual, Language


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause with all that carries it out."""

    id: str
    title: Bilingual
    rules: tuple[str, ...]
    duties: tuple[Duty, ...]
    """What people do for it, each with the trace it leaves."""
    cases: tuple[str, ...]
    """``cases/<file>:line`` of cases about purposes whose cells carry the clause."""
    evidence: tuple[str, ...]
    """Files of the program whose tests show it."""

    @property
    def missing(self) -> bool:
        """Whether neither a rule nor a duty carries it out, or nothing shows that it is."""
        carried = self.rules or self.duties
        shown = self.cases or self.evidence or self.duties
        return not (carried and shown)


def coverage(policy: CompiledPolicy) -> tuple[Covered, ...]:
    """Every clause in the order of authorities.yaml."""
    authorities = policy.document.authorities.content.authorities
    return tuple(
        _covered(policy, name, authority.title)
        for name, authority in authorities.items()
        if authority.kind == "clause"
    )


def _covered(policy: CompiledPolicy, name: str, title: Bilingual) -> Covered:
    document, plan = policy.document, policy.plan
    row = document.clauses.content.clauses.get(name, Clause())
    cells = [cell for cell in plan.cells if name in cell.cites]
    rules = [cell.id for cell in cells]
    rules += [forbid.id for forbid in plan.forbids if name in forbid.cites]
    rules += [f"combine/{n}" for n, one in enumerate(plan.combines, 1) if name in one.cites]
    purposes = {cell.purpose for cell in cells} | (set(document.pages) & set(row.rules))
    cases = [
        str(sheet.where("cases", number)).rsplit(":", 1)[0]
        for purpose, sheet in document.cases.items()
        for number, case in enumerate(sheet.content.cases)
        if purpose in purposes or case.about == name
    ]
    every = tuple(dict.fromkeys((*row.rules, *rules)))
    return Covered(name, title, every, row.duties, tuple(cases), row.evidence)


def coverage_json(found: tuple[Covered, ...]) -> dict[str, Any]:
    """``{"clauses": [{"id", "rules", "duties", "cases", "evidence"}]}``; a duty is bilingual."""
    return {
        "holds": not any(clause.missing for clause in found),
        "clauses": [
            {
                "id": clause.id,
                "rules": list(clause.rules),
                "duties": [duty.model_dump(mode="json") for duty in clause.duties],
                "cases": list(clause.cases),
                "evidence": list(clause.evidence),
            }
            for clause in found
        ],
    }


SHOWN_MAX: Final = 4


def coverage_page(found: tuple[Covered, ...], policy: CompiledPolicy, language: Language) -> str:
    """The same as a page; rules are given in words, their ids stand in the JSON."""
    plan, titles = policy.plan, Titles(policy.document, language)
    rules = RuleWords(plan, titles)
    return page(
        "coverage.html.j2",
        language,
        version=f"{plan.policy} {plan.policy_version}",
        carried=str(sum(not clause.missing for clause in found)),
        clauses=[_row(clause, rules, titles) for clause in found],
    )


def _row(clause: Covered, rules: RuleWords, titles: Titles) -> dict[str, object]:
    # Rules that read alike, as those of several recipients, stand once.
    distinct = list(dict.fromkeys(map(rules, clause.rules)))
    return {
        "id": clause.id,
        "title": titles.told(clause.title),
        "missing": clause.missing,
        "rules": distinct[:SHOWN_MAX],
        "more": max(0, len(distinct) - SHOWN_MAX),
        "duties": [_duty(duty, titles) for duty in clause.duties],
        "cases": len(clause.cases),
        "files": clause.evidence,
        "traces": [_trace(duty, titles) for duty in clause.duties],
    }


def _duty(duty: Duty, titles: Titles) -> str:
    """Who does what, and when somebody looks whether it is done."""
    return titles.words.gettext(
        "%(who)s: %(duty)s (looked at again on %(day)s)",
        who=titles.told(duty.who),
        duty=titles.told(duty.duty),
        day=titles.words.date(duty.review_on),
    )


def _trace(duty: Duty, titles: Titles) -> str:
    evidence = duty.evidence
    return evidence if isinstance(evidence, str) else titles.told(evidence)
