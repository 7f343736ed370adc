"""Who outside the company may have something of a person: who has to be told what they ask. Pure.

In: plans, purposes, what the person ever agreed to. Out: recipients by purpose, as the documents
name them. What was really passed on by hand stands in no plan: a recipient of a cell is one who may
have received.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from policy.plan.cells import PlanCell
from policy.plan.consents import Grantable
from policy.plan.plan import Plan
from policy.vocabulary.terms import is_outside


class OutsideRecipient(NamedTuple):
    """A recipient for one purpose, by their ids in the document."""

    purpose: str
    recipient: str


def outside_recipients(
    plans: Iterable[Plan],
    purposes: Collection[str] | None,
    agreed: Collection[Grantable],
    *,
    on_consent: bool = False,
) -> tuple[OutsideRecipient, ...]:
    """Those of any of the plans, each once; ``purposes`` None: of every purpose.

    Who receives on a consent that the person never gave received nothing. ``on_consent``: only who
    receives on one of those that they gave.
    """
    found = {
        OutsideRecipient(cell.purpose, cell.recipient)
        for plan in plans
        for cell in plan.cells
        if is_outside(cell.recipient_class)
        and (cell.signals or cell.facts)
        and (purposes is None or cell.purpose in purposes)
        and _rests(cell, agreed, on_consent=on_consent)
    }
    return tuple(sorted(found))


def _rests(cell: PlanCell, agreed: Collection[Grantable], *, on_consent: bool) -> bool:
    kind = cell.basis.consent
    if kind is None:
        return not on_consent
    named = cell.recipient if kind == "third_party" else None
    return Grantable(cell.purpose, kind, named, cell.basis.notice) in agreed
