"""The rights on the broker beside those of the plan: what is missing, and what is too much.

Only a principal of ours (``roadfade-…``) on a topic or group of this installation, or on the
cluster, is ours to take a right from. Who else reaches our topics is named, and left alone.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from bus.access_rights import AccessRights, Right
from bus.failures import BrokerError, NoAuthorizerError
from policy.artefacts.acls import OFFICE, SINK, acls
from roadfade.in_force.plans import VersionTimeline
from roadfade.refusal import NotReady

PRINCIPALS: Final = "roadfade-"
FAMILIES: Final = {
    "topic": ("telemetry.", "audit.", "control.", "events.", "purpose."),
    "group": ("roadfade-",),
}
"""How names of ours begin, behind the prefix. Without a prefix, another installation's do not."""
MASTERS: Final = frozenset({"All", "Alter"})
"""Who has one of these on the cluster can give itself any right."""
NO_AUTHORIZER: Final = (
    "the broker enforces no rights, so whoever reaches it reads and writes everything: set "
    "authorizer.class.name on it, allow.everyone.if.no.acl.found=false, and super.users"
)


@dataclass(frozen=True, slots=True)
class RightsDrift:
    """Where the broker differs, each in order. ``others`` reach what is ours, and are not ours."""

    missing: tuple[Right, ...]
    surplus: tuple[Right, ...]
    others: tuple[Right, ...]


def wanted_rights(line: VersionTimeline, prefix: str) -> frozenset[Right]:
    """Those of the version in force and of the next; of earlier ones, what empties their topics."""
    plans = [line.plan, *filter(None, [line.following])]
    found = {one for plan in plans for one in acls(plan, prefix)}
    for version in line.active_versions[:-1]:
        # Their readers read nothing more; what lies there is still kept, or ended.
        found |= {one for one in acls(version.plan, prefix) if one.principal in (SINK, OFFICE)}
    return frozenset(Right(one.principal, one.operation, one.resource, one.name) for one in found)


def drift_of(wanted: Collection[Right], held: Collection[Right], prefix: str) -> RightsDrift:
    """What separates the broker's rights from the wanted ones."""
    strange = set(held) - set(wanted)
    surplus = {one for one in strange if _is_ours(one, prefix)}
    others = {one for one in strange - surplus if _reaches_ours(one, prefix)}
    return RightsDrift(_sorted(set(wanted) - set(held)), _sorted(surplus), _sorted(others))


async def rights_drift(rights: AccessRights, wanted: Collection[Right], prefix: str) -> RightsDrift:
    """As the broker has them now; NotReady, in words, if it does not say."""
    try:
        return drift_of(wanted, await rights.held(), prefix)
    except (BrokerError, TimeoutError) as error:
        raise NotReady(_why(error)) from error


async def apply_rights(rights: AccessRights, wanted: Collection[Right], prefix: str) -> RightsDrift:
    """Give what is missing, then take what is too much; what differed before.

    NotReady if the broker has no authorizer, or does not let this user.
    """
    found = await rights_drift(rights, wanted, prefix)
    try:
        # In this order nobody loses for a moment what both lists allow.
        await rights.give(found.missing)
        await rights.take(found.surplus)
    except (BrokerError, TimeoutError) as error:
        raise NotReady(_why(error)) from error
    return found


def _why(error: Exception) -> str:
    if isinstance(error, NoAuthorizerError):
        return NO_AUTHORIZER
    if "AUTHORIZATION_FAILED" in str(error):
        return (
            "this user may not see or change the broker's rights: be one of its super.users, or "
            "have Describe (to see) and Alter (to change) on the cluster"
        )
    return f"the broker's rights could not be asked for or changed ({error}): see its log"


def _is_ours(right: Right, prefix: str) -> bool:
    """Whether a right is one that we give, and may take."""
    if not right.principal.startswith(PRINCIPALS) or right.pattern != "literal":
        return False
    return right.resource == "cluster" or _begins(right, prefix)


def _begins(right: Right, prefix: str) -> bool:
    return right.name.startswith(_beginnings(right.resource, prefix))


def _beginnings(resource: str, prefix: str) -> tuple[str, ...]:
    return tuple(prefix + family for family in FAMILIES.get(resource, ()))


def _reaches_ours(right: Right, prefix: str) -> bool:
    if right.resource == "cluster":
        return right.operation in MASTERS
    if right.pattern == "literal":
        known = right.resource in FAMILIES
        return (right.name == "*" and known) or _begins(right, prefix)
    beginnings = _beginnings(right.resource, prefix)
    return _begins(right, prefix) or any(one.startswith(right.name) for one in beginnings)


def _sorted(rights: Iterable[Right]) -> tuple[Right, ...]:
    return tuple(sorted(rights))
