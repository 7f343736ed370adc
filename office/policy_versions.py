"""The published versions of the policy: recorded here, published to every process by the outbox.

In: a publication that holds (whoever calls has compiled it). Out: the versions on record.
A version is published once; the next one has a higher number and the same policy's name.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, func, insert, select

from office.errors import CannotFollowError, OfficeError
from office.store.changes import ControlChange, announce
from office.store.database import Database
from office.store.tables import POLICIES
from telemetry.topics import CONTROL_POLICIES
from telemetry.wire.publication import Publication, decode_publication, encode_publication

_VALUES: Final = select(POLICIES.c.value).order_by(POLICIES.c.version)
VERSIONS_MAX: Final = 200
"""The sweep compiles all that were in force: their number is bounded."""


async def published(database: Database) -> tuple[Publication, ...]:
    """Every version on record, lowest first."""
    async with database.reading() as connection:
        return tuple(map(decode_publication, await connection.scalars(_VALUES)))


async def newest(database: Database) -> int | None:
    """The highest version on record, None if there is none."""
    async with database.reading() as connection:
        found: int | None = await connection.scalar(select(func.max(POLICIES.c.version)))
    return found


async def record_version(
    database: Database, new: Publication, after: Sequence[Publication]
) -> tuple[Publication, ...]:
    """Record a version and queue it for publication; return the versions then on record.

    ``after``: the versions that the caller compared it with. The same texts again change
    nothing. OfficeError if another version was published meanwhile, if the number does
    not grow, or if it is another policy.
    """
    async with database.writing() as connection:
        known = tuple(map(decode_publication, await connection.scalars(_VALUES)))
        if known != tuple(after):
            msg = "another version was published meanwhile: compare with it, then publish again"
            raise OfficeError(msg)
        if on_record(known, new):
            return known
        value = encode_publication(new)
        row = {"version": new.version, "policy": new.policy, "value": value}
        await connection.execute(insert(POLICIES).values(row))
        await announce(connection, [ControlChange(CONTROL_POLICIES, new.key.decode(), value)])
    return (*known, new)


def on_record(known: Sequence[Publication], new: Publication) -> bool:
    """Whether the version is on record already, as it is; OfficeError if it cannot follow."""
    if not known:
        return False
    newest = known[-1]
    if new.policy != newest.policy:
        msg = (
            f"this is the policy {new.policy}, the one on record is {newest.policy}: keep its name "
            "(an installation has one policy; the setting `policy` names its first document)"
        )
        raise CannotFollowError(msg, "policy")
    same = next((one for one in known if one.version == new.version), None)
    if same is not None and same.files == new.files:
        return True
    if new.version <= newest.version:
        msg = (
            f"version {newest.version} is published, so the next one needs a higher number than "
            f"{new.version}: to go back, publish the old texts under a new number"
        )
        raise CannotFollowError(msg, "version")
    if len(known) >= VERSIONS_MAX:
        msg = f"{VERSIONS_MAX} versions are published, and no more can be"
        raise OfficeError(msg)
    return False


def policy_change(row: Row[Any]) -> ControlChange:
    """A row of the table as the outbox publishes it."""
    return ControlChange(CONTROL_POLICIES, decode_publication(row.value).key.decode(), row.value)
