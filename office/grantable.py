"""What a person can consent to: read off the compiled policy, never written in code."""

from typing import NamedTuple

from policy.plan import Plan
from telemetry.control import ConsentKind


class Grantable(NamedTuple):
    """One consent that some cell of the policy rests on."""

    purpose: str
    basis: ConsentKind
    recipient: str | None
    """Named where the consent is for a third party; None within the house."""
    notice: str
    """``id@version`` under which people are asked."""


def grantable(plan: Plan) -> frozenset[Grantable]:
    """Every consent that a rule of the plan needs."""
    return frozenset(
        Grantable(output.purpose, kind, _named(kind, output.recipient), rule.basis.notice)
        for output in plan.outputs
        for lane in output.lanes
        for rule in lane.rules
        if (kind := rule.basis.consent) is not None
    )


def _named(kind: ConsentKind, recipient: str) -> str | None:
    return recipient if kind == "third_party" else None
