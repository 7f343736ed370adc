"""Which forbid matches which item, and for whom: one answer for every part that asks.

A forbid for people in some roles (``when``) leaves the permit in force for all others. The
plan therefore carries such roles beside the permit, as its ``not_for``.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, get_args

from policy.plan.cells import PlanForbid
from policy.vocabulary.patterns import matches
from policy.vocabulary.terms import RecipientClass
from telemetry.wire.control import Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Target(NamedTuple):
    """One item on its way to one recipient."""

    purpose: str
    recipient: str | None
    recipient_class: RecipientClass | None
    category: str | None
    item: str | None
    """None: all of the category."""


def hits(forbid: PlanForbid, target: Target) -> bool:
    """Whether everything the forbid names fits; whom it is for is not asked."""
    return (
        _binds(forbid, target.purpose)
        and (not forbid.to or target.recipient in forbid.to or target.recipient_class in forbid.to)
        and (not forbid.categories or target.category in forbid.categories)
        and (not forbid.signals or _names_item(forbid, target.item))
        and not forbid.join
    )


def _binds(forbid: PlanForbid, purpose: str) -> bool:
    return forbid.purpose in (None, purpose) and purpose not in forbid.exempt


def _names_item(forbid: PlanForbid, item: str | None) -> bool:
    return item is not None and any(matches(one, item) for one in forbid.signals)


def forbidden(forbids: Iterable[PlanForbid], target: Target, role: Role | None) -> bool:
    """Whether a forbid keeps people in this role out of it; None: people in no role it names."""
    return any(hits(one, target) and (not one.roles or role in one.roles) for one in forbids)


def never_joined(forbids: Iterable[PlanForbid], purpose: str, category: str) -> bool:
    """Whether the purpose's records are never joined with this category."""
    return any(category in one.join and _binds(one, purpose) for one in forbids)


def covers(wider: Mapping[str, tuple[str, ...]], named: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether one forbid forbids all that another does, by what each names; nothing is all."""
    for key, more in wider.items():
        less = named[key]
        if not more or more == less:
            continue
        # The fewer purposes it leaves out, the more it forbids; all else is the reverse.
        within = set(more) <= set(less) if key == "exempt" else set(less) <= set(more)
        if not (less and within):
            return False
    return True


def not_for(forbids: Iterable[PlanForbid], target: Target) -> tuple[Role, ...]:
    """Roles whose people the item is never about, in the order of ``Role``."""
    hitting = [forbid for forbid in forbids if forbid.roles and hits(forbid, target)]
    barred = {role for forbid in hitting for role in forbid.roles}
    return tuple(role for role in ROLES if role in barred)


def barring(forbids: Iterable[PlanForbid], target: Target, role: Role) -> PlanForbid | None:
    """The first forbid that keeps people in this role out of it."""
    return next((one for one in forbids if role in one.roles and hits(one, target)), None)
