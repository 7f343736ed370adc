"""Answers for people in a role: what a forbid for some people takes back."""

from dataclasses import replace
from typing import Final

from policy.explain.question import Applied, Question
from policy.plan.forbidding import Target, barring
from policy.plan.plan import Plan
from policy.vocabulary.terms import RecipientClass
from telemetry.outcome import Withheld

ROLE_ORDER: Final = tuple(Withheld)


def forbidden_for_role(
    plan: Plan, recipient: str | None, question: Question, one: Applied
) -> Applied:
    """The answer, unless its rule is not for people in the question's role.

    What the ledger would count first stays: without a consent it is ``no_consent``.
    """
    if question.role is None or question.role not in one.not_for:
        return one
    if one.reason is not None and ROLE_ORDER.index(one.reason) < ROLE_ORDER.index(
        Withheld.FORBIDDEN
    ):
        return one
    category = _category_of(plan, question.signal)
    to = _class_of(plan, question.purpose, recipient)
    target = Target(question.purpose, recipient, to, category, question.signal)
    forbid = barring(plan.forbids, target, question.role)
    if forbid is None:
        return replace(one, reason=Withheld.FORBIDDEN)
    return replace(
        one,
        rule=forbid.id,
        reason=Withheld.FORBIDDEN,
        authorities=forbid.cites,
        where=forbid.where,
    )


def _class_of(plan: Plan, purpose: str, recipient: str | None) -> RecipientClass | None:
    cells = plan.cells_of(purpose, recipient)
    return next((cell.recipient_class for cell in cells), None)


def _category_of(plan: Plan, item: str) -> str | None:
    """The category of a fact, or of a signal that some cell takes."""
    if item in plan.facts:
        return plan.facts[item]
    return next((cell.category for cell in plan.cells if item in cell.signals), None)
