"""Consents that a forbid makes ineffective: refused, so that no one relies on them.

Goes by what the office knows: the roles of the subject's links that hold when the consent
begins, or later. Who is linked afterwards is the workers' to judge, reading by reading.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import chunks
from office.store.tables import LINKS
from telemetry.identity import SubjectId
from telemetry.wire.control import UNCONFIRMED, Role


class ConsentPart(NamedTuple):
    """What a subject is to some vehicle, and until when."""

    role: Role
    to_ms: int | None


async def consent_parts(
    connection: AsyncConnection, subjects: Collection[SubjectId]
) -> dict[SubjectId, list[ConsentPart]]:
    """Every part (role and end) that the links of these subjects give them."""
    found: dict[SubjectId, list[ConsentPart]] = {}
    for some in chunks(sorted(subjects)):
        query = select(LINKS.c.subject, LINKS.c.role, LINKS.c.to_ms)
        for row in await connection.execute(query.where(LINKS.c.subject.in_(some))):
            found.setdefault(SubjectId(row.subject), []).append(ConsentPart(row.role, row.to_ms))
    return found


def refuse_void(parts: Sequence[ConsentPart], from_ms: int, void: Mapping[Role, str]) -> None:
    """OfficeError if the subject has parts from then on, and a forbid names each of them."""
    roles = sorted({one.role for one in parts if one.to_ms is None or one.to_ms > from_ms})
    if not roles or not all(role in void for role in roles):
        return
    why = "; ".join(f"{role}: {void[role]}" for role in roles)
    msg = f"under the policy this consent has no effect for people in this role ({why})"
    if UNCONFIRMED in roles:
        msg += (
            "; once somebody confirms who drives, end the link (roadfade unregister) and "
            "register another in that role (roadfade register --role)"
        )
    raise OfficeError(msg)
