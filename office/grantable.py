"""What a person can consent to: read off the compiled policy, never written in code."""

from collections.abc import Collection
from typing import NamedTuple

from office.errors import OfficeError
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

    def __str__(self) -> str:
        to = f" to {self.recipient}" if self.recipient else ""
        return f"{self.basis}{to} under {self.notice}"


def grantable(plan: Plan) -> frozenset[Grantable]:
    """Every consent that a rule of the plan needs."""
    return frozenset(
        Grantable(output.purpose, kind, _named(kind, output.recipient), rule.basis.notice)
        for output in plan.outputs
        for lane in output.lanes
        for rule in lane.rules
        if (kind := rule.basis.consent) is not None
    )


def chosen(
    offered: Collection[Grantable],
    purpose: str,
    basis: str | None = None,
    recipient: str | None = None,
    notice: str | None = None,
) -> Grantable:
    """The one consent that fits what is given; OfficeError where none or several do."""
    to_purpose = [one for one in offered if one.purpose == purpose]
    fitting = [
        one
        for one in to_purpose
        if basis in (None, one.basis)
        and recipient in (None, one.recipient)
        and notice in (None, one.notice)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise OfficeError(_refusal(offered, fitting or to_purpose, several=bool(fitting)))


def not_offered(offered: Collection[Grantable], purpose: str) -> OfficeError:
    """The refusal of a consent that the policy does not ask for."""
    to_purpose = [one for one in offered if one.purpose == purpose]
    return OfficeError(_refusal(offered, to_purpose, several=False))


def _refusal(offered: Collection[Grantable], near: Collection[Grantable], *, several: bool) -> str:
    listed = "; ".join(sorted(map(str, near)))
    if several:
        return f"the policy asks for several consents to that purpose, say which: {listed}"
    if near:
        return f"the policy asks for other consents to that purpose: {listed}"
    purposes = ", ".join(sorted({one.purpose for one in offered})) or "none"
    return f"the policy asks for no consent to that purpose; the purposes that do: {purposes}"


def _named(kind: ConsentKind, recipient: str) -> str | None:
    return recipient if kind == "third_party" else None
