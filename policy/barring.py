"""Which forbid hits what, and for whom: one answer for the compiler, explain and the office.

A forbid for people in some roles (``when``) leaves the permit standing for all others. The
plan therefore carries such roles beside the permit, as its ``not_for``.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, get_args

from policy.categories import matches
from policy.holdings import PlanForbid
from policy.terms import RecipientClass
from telemetry.control import Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Aim(NamedTuple):
    """One item on its way to one recipient."""

    purpose: str
    recipient: str | None
    recipient_class: RecipientClass | None
    category: str | None
    item: str


def hits(forbid: PlanForbid, aim: Aim) -> bool:
    """Whether everything the forbid names fits; whom it is for is not asked."""
    return (
        forbid.purpose in (None, aim.purpose)
        and aim.purpose not in forbid.exempt
        and (not forbid.to or aim.recipient in forbid.to or aim.recipient_class in forbid.to)
        and (not forbid.categories or aim.category in forbid.categories)
        and (not forbid.signals or any(matches(one, aim.item) for one in forbid.signals))
        and not forbid.join
    )


def not_for(forbids: Iterable[PlanForbid], aim: Aim) -> tuple[Role, ...]:
    """Roles whose people the item is never about, in the order of ``Role``."""
    hitting = [forbid for forbid in forbids if forbid.roles and hits(forbid, aim)]
    barred = {role for forbid in hitting for role in forbid.roles}
    return tuple(role for role in ROLES if role in barred)


def barring(forbids: Iterable[PlanForbid], aim: Aim, role: Role) -> PlanForbid | None:
    """The first forbid that keeps people in this role out of it."""
    return next((one for one in forbids if role in one.roles and hits(one, aim)), None)
