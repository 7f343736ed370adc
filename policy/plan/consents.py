"""Consents that a plan rests on: each once, with the roles for which a forbid voids it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Final, NamedTuple

from policy.plan.forbidding import ROLES, Target, barring
from policy.plan.plan import Plan
from policy.vocabulary.terms import Basis
from telemetry.wire.control import ConsentKind, Role


class Grantable(NamedTuple):
    """One consent that some cell of the policy rests on."""

    purpose: str
    basis: ConsentKind
    recipient: str | None
    """Named if the consent is for a third party; None within the company."""
    notice: str
    """``id@version`` under which people are asked."""

    def __str__(self) -> str:
        to = f" to {self.recipient}" if self.recipient else ""
        return f"{self.basis}{to} under {self.notice}"


Offers = Mapping[Grantable, Mapping[Role, str]]
"""Consents the policy asks for, each with the roles in which a forbid voids it, and why."""


NOTHING_OFFERED: Final[Offers] = MappingProxyType({})


class _Item(NamedTuple):
    target: Target
    not_for: tuple[Role, ...]


def _resting(basis: Basis, recipient: str, item: _Item) -> Iterator[tuple[Grantable, _Item]]:
    kind = basis.consent
    if kind is not None:
        named = recipient if kind == "third_party" else None
        yield Grantable(item.target.purpose, kind, named, basis.notice), item


def _of_outputs(plan: Plan) -> Iterator[tuple[Grantable, _Item]]:
    for output in plan.outputs:
        for lane in output.lanes:
            for rule in lane.rules:
                to = output.recipient, output.recipient_class
                target = Target(output.purpose, *to, rule.category, rule.signal)
                yield from _resting(rule.basis, output.recipient, _Item(target, rule.not_for))


def _of_cells(plan: Plan) -> Iterator[tuple[Grantable, _Item]]:
    for cell in plan.cells:
        for item in (*cell.signals, *cell.facts):
            to = cell.recipient, cell.recipient_class
            target = Target(cell.purpose, *to, cell.category, item)
            found = _Item(target, cell.not_for.get(item, ()))
            yield from _resting(cell.basis, cell.recipient, found)


def _void(plan: Plan, items: Sequence[_Item]) -> Mapping[Role, str]:
    """Roles for which nothing is left to consent to, each with the reason of the forbid."""
    void: dict[Role, str] = {}
    for role in ROLES:
        if all(role in item.not_for for item in items):
            forbid = barring(plan.forbids, items[0].target, role)
            void[role] = "the policy forbids it" if forbid is None else forbid.because
    return void


def grantable(*plans: Plan) -> Offers:
    """Every consent that some item of a plan rests on: streamed, kept, shown or counted.

    With several plans a consent is void only if it is void under each that asks for it.
    """
    offered: dict[Grantable, Mapping[Role, str]] = {}
    for plan in plans:
        items: dict[Grantable, list[_Item]] = {}
        for asked, item in chain(_of_outputs(plan), _of_cells(plan)):
            items.setdefault(asked, []).append(item)
        for asked, resting in items.items():
            void = _void(plan, resting)
            before = offered.get(asked, void)
            offered[asked] = {role: why for role, why in void.items() if role in before}
    return offered
