"""The coverage as a page: three numbers, then clause by clause what it rests on and what lacks."""

from typing import Final

from pages.coverage import Covered, totals
from pages.markup import page
from pages.words.phrases import LACKING, STATES
from pages.words.rules import RuleWords
from pages.words.titles import Titles
from policy.compiled import CompiledPolicy
from policy.language.authority_files import Duty
from policy.vocabulary.bilingual import Language

SHOWN_MAX: Final = 4
"""Rules of a clause that the page spells out; their number stands beside them."""


def coverage_page(found: tuple[Covered, ...], policy: CompiledPolicy, language: Language) -> str:
    """The whole page; rules are given in words, their ids stand in the JSON."""
    plan, titles = policy.plan, Titles(policy.document, language)
    words, rules = titles.words, RuleWords(plan, titles)
    return page(
        "coverage.html.j2",
        language,
        version=f"{plan.policy} {plan.policy_version}",
        totals=[
            (str(state), words.gettext(STATES[state]), words.number(count))
            for state, count in totals(found).items()
        ],
        clauses=[_row(clause, rules, titles) for clause in found],
    )


def _row(clause: Covered, rules: RuleWords, titles: Titles) -> dict[str, object]:
    words = titles.words
    # Rules that read alike, as those of several recipients, stand once.
    distinct = list(dict.fromkeys(map(rules, clause.rules)))
    return {
        "id": clause.id,
        "title": titles.told(clause.title),
        "law": [titles.told(title) for title in clause.law.values()],
        "state": str(clause.state),
        "told": words.gettext(STATES[clause.state]),
        "lacks": words.listed(words.gettext(LACKING[one]) for one in clause.lacks),
        "counted": words.share(clause.carried, len(clause.rules)) if clause.rules else "",
        "rules": distinct[:SHOWN_MAX],
        "more": max(0, len(distinct) - SHOWN_MAX),
        "duties": [_duty(duty, titles) for duty in clause.duties],
        "cases": len(clause.cases),
        "tests": clause.evidence,
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
