"""Which certificates were handed out, and which are good no more. In the caller's transaction.

In: a device, a serial number. Out: rows; OfficeError if a device gets no certificate.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.certificates.authority import Revoked
from office.errors import OfficeError
from office.registry.devices import known
from office.registry.links import close_link
from office.store.certificate_tables import CERTIFICATES, RETIRED_DEVICES
from office.store.tables import LINKS
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS

UNKNOWN: Final = "the device is not registered: register it first (roadfade device register)"
RETIRED: Final = (
    "the device is retired, and gets no certificate: register the dongle under a new id if it "
    "comes back"
)
UNKNOWN_SERIAL: Final = (
    "no certificate of that serial number is on record: list them (roadfade device certificates "
    "DEVICE); --unknown revokes it all the same, if the office was rebuilt or restored"
)


class Issued(NamedTuple):
    """A certificate on record."""

    serial: int
    issued_ms: int
    not_after_ms: int
    revoked_ms: int | None
    reason: str | None


class Ended(NamedTuple):
    """What retiring a device ended."""

    serials: list[int]
    link: str | None


async def row_of(connection: AsyncConnection, device: DeviceId) -> str:
    """The row id of a registered device; OfficeError if it is none."""
    there = await known(connection, [device])
    if device not in there:
        raise OfficeError(UNKNOWN)
    return there[device][0]


async def require_enrollable(
    connection: AsyncConnection, device: DeviceId, now_ms: int, living_max: int
) -> str:
    """The device's row id; OfficeError if it is unknown, retired, or has enough certificates."""
    row = await row_of(connection, device)
    if await is_retired(connection, row):
        raise OfficeError(RETIRED)
    living = _living(row, now_ms)
    count = await connection.scalar(select(func.count()).select_from(CERTIFICATES).where(living))
    if (count or 0) >= living_max:
        msg = (
            f"the device has {count} living certificates, and may have {living_max} "
            "(device_certificates_max): revoke those that it uses no more "
            "(roadfade device revoke --serial)"
        )
        raise OfficeError(msg)
    return row


async def is_retired(connection: AsyncConnection, row: str) -> bool:
    """Whether the device was retired."""
    wanted = select(RETIRED_DEVICES.c.retired_ms).where(RETIRED_DEVICES.c.device_row == row)
    return await connection.scalar(wanted) is not None


async def record(
    connection: AsyncConnection, row: str, serial: int, issued_ms: int, not_after_ms: int
) -> None:
    """Put a certificate on record, before it is handed out; OfficeError if its number is used."""
    same = select(CERTIFICATES.c.serial).where(CERTIFICATES.c.serial == _text(serial))
    if await connection.scalar(same) is not None:
        msg = "the authority gave a serial number twice: mend the program that signs"
        raise OfficeError(msg)
    values = {"serial": _text(serial), "device_row": row}
    times = {"issued_ms": issued_ms, "not_after_ms": not_after_ms}
    await connection.execute(insert(CERTIFICATES).values(**values, **times))


async def revoke_serial(
    connection: AsyncConnection, serial: int, now_ms: int, reason: str, unknown_to_ms: int | None
) -> None:
    """Revoke one; asked again, the first time counts. OfficeError if it is not on record.

    ``unknown_to_ms``: one that is not on record is revoked, too, until then; None: refused.
    """
    mine = CERTIFICATES.c.serial == _text(serial)
    if await connection.scalar(select(CERTIFICATES.c.serial).where(mine)) is None:
        if unknown_to_ms is None:
            raise OfficeError(UNKNOWN_SERIAL)
        values = {"serial": _text(serial), "issued_ms": now_ms, "not_after_ms": unknown_to_ms}
        await connection.execute(insert(CERTIFICATES).values(values))
    await connection.execute(_revoking(now_ms, reason).where(mine))


async def revoke_device(
    connection: AsyncConnection, device: DeviceId, now_ms: int, reason: str
) -> list[int]:
    """Revoke every living certificate of a device; their serial numbers."""
    mine = _living(await row_of(connection, device), now_ms)
    rows = await connection.execute(select(CERTIFICATES.c.serial).where(mine))
    serials = sorted(_number(row.serial) for row in rows)
    await connection.execute(_revoking(now_ms, reason).where(mine))
    return serials


async def retire(connection: AsyncConnection, device: DeviceId, now_ms: int, reason: str) -> Ended:
    """Revoke all that a device has, end its open link, and give it nothing any more."""
    row = await row_of(connection, device)
    serials = await revoke_device(connection, device, now_ms, reason)
    if not await is_retired(connection, row):
        values = {"device_row": row, "retired_ms": now_ms}
        await connection.execute(insert(RETIRED_DEVICES).values(values))
    still = (LINKS.c.device == device) & LINKS.c.to_ms.is_(None)
    linked = await connection.scalar(select(LINKS.c.link).where(still))
    link = None if linked is None else await close_link(connection, device, now_ms, now_ms)
    return Ended(serials, link)


async def certificates_of(connection: AsyncConnection, device: DeviceId) -> list[Issued]:
    """Every certificate of a device that is on record, the earliest first."""
    mine = CERTIFICATES.c.device_row == await row_of(connection, device)
    ordered = select(CERTIFICATES).where(mine).order_by(CERTIFICATES.c.issued_ms)
    rows = (await connection.execute(ordered.order_by(CERTIFICATES.c.serial))).all()
    return [
        Issued(_number(row.serial), row.issued_ms, row.not_after_ms, row.revoked_ms, row.reason)
        for row in rows
    ]


async def revoked_now(connection: AsyncConnection) -> list[Revoked]:
    """What a list has to say: all that is revoked and still on record."""
    wanted = select(CERTIFICATES.c.serial, CERTIFICATES.c.revoked_ms)
    rows = await connection.execute(wanted.where(CERTIFICATES.c.revoked_ms.is_not(None)))
    return sorted(Revoked(_number(row.serial), row.revoked_ms) for row in rows)


async def forget_expired(connection: AsyncConnection, now_ms: int) -> int:
    """Delete rows of certificates that expired more than a day ago, for clocks; how many."""
    old = CERTIFICATES.c.not_after_ms < now_ms - DAY_MS
    return (await connection.execute(delete(CERTIFICATES).where(old))).rowcount


def _living(row: str, now_ms: int) -> Any:
    mine = (CERTIFICATES.c.device_row == row) & (CERTIFICATES.c.not_after_ms > now_ms)
    return mine & CERTIFICATES.c.revoked_ms.is_(None)


def _revoking(now_ms: int, reason: str) -> Any:
    fresh = update(CERTIFICATES).where(CERTIFICATES.c.revoked_ms.is_(None))
    return fresh.values(revoked_ms=now_ms, reason=reason)


def _text(serial: int) -> str:
    return f"{serial:x}"


def _number(text: str) -> int:
    return int(text, 16)
