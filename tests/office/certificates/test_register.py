import sqlite3
from contextlib import closing

import pytest
from cryptography import x509

from office.certificates import register
from office.certificates.enrolling import Terms, enrol
from office.certificates.memory import MemoryAuthority
from office.certificates.wanted import Wanted
from office.errors import OfficeError
from office.registry.registry import Registry
from office.store.database import Database
from telemetry.identity import DeviceId, SubjectId
from tests.support.certificates import DAY_MS, DEVICE, PEM, request_of

NOW_MS = 1_790_000_000_000
TERMS = Terms(90 * DAY_MS, 2)
AUTHORITY = MemoryAuthority(NOW_MS)
ASKED = request_of().public_bytes(PEM)


async def got(database: Database, now_ms: int = NOW_MS) -> int:
    return (await enrol(database, AUTHORITY, TERMS, DEVICE, ASKED, now_ms)).serial_number


async def on_record(database: Database) -> list[register.Issued]:
    async with database.reading() as connection:
        return await register.certificates_of(connection, DEVICE)


async def test_what_is_handed_out_is_on_record(registry: Registry, database: Database) -> None:
    await registry.register_device(DEVICE, NOW_MS)
    serial = await got(database)
    (row,) = await on_record(database)
    assert row == register.Issued(serial, NOW_MS, NOW_MS + 90 * DAY_MS, None, None)


async def test_an_unknown_device_gets_none(database: Database) -> None:
    with pytest.raises(OfficeError, match="not registered"):
        await got(database)


async def test_two_live_at_once_for_rotation_and_no_third(
    registry: Registry, database: Database
) -> None:
    await registry.register_device(DEVICE, NOW_MS)
    first, _ = await got(database), await got(database)
    with pytest.raises(OfficeError, match="2 living"):
        await got(database)
    async with database.writing() as connection:
        await register.revoke_serial(connection, first, NOW_MS, "asked", None)
    await got(database)
    # Expired ones do not count.
    await got(database, NOW_MS + 91 * DAY_MS)


async def test_a_retired_device_has_nothing_and_gets_nothing(
    registry: Registry, database: Database
) -> None:
    link = await registry.register(DEVICE, SubjectId("ana"), NOW_MS)
    serials = sorted([await got(database), await got(database)])
    later_ms = NOW_MS + 1_000
    async with database.writing() as connection:
        ended = await register.retire(connection, DEVICE, later_ms, "retired")
    assert ended == register.Ended(serials, link)
    assert {row.revoked_ms for row in await on_record(database)} == {later_ms}
    with pytest.raises(OfficeError, match="retired"):
        await got(database)
    async with database.writing() as connection:
        assert await register.retire(connection, DEVICE, later_ms, "retired") == ([], None)


class Slow(MemoryAuthority):
    """While it signs, somebody retires the device."""

    def __init__(self, database: Database, row: str) -> None:
        super().__init__(NOW_MS)
        self._file, self._row = database.file, row

    def sign(self, request: x509.CertificateSigningRequest, wanted: Wanted) -> x509.Certificate:
        with closing(sqlite3.connect(self._file)) as other, other:
            other.execute("INSERT INTO retired_devices VALUES (?, ?)", (self._row, NOW_MS))
        return super().sign(request, wanted)


async def test_a_device_retired_while_it_was_signed_gets_no_certificate(
    registry: Registry, database: Database
) -> None:
    row = await registry.register_device(DEVICE, NOW_MS)
    with pytest.raises(OfficeError, match="retired"):
        await enrol(database, Slow(database, row), TERMS, DEVICE, ASKED, NOW_MS)
    assert await on_record(database) == []


async def test_a_revocation_keeps_its_first_time(registry: Registry, database: Database) -> None:
    await registry.register_device(DEVICE, NOW_MS)
    serial = await got(database)
    async with database.writing() as connection:
        for now_ms in (NOW_MS + 1, NOW_MS + 2):
            await register.revoke_serial(connection, serial, now_ms, "asked", None)
        assert await register.revoked_now(connection) == [(serial, NOW_MS + 1)]


async def test_what_is_not_on_record_is_revoked_only_if_that_is_meant(database: Database) -> None:
    async with database.writing() as connection:
        with pytest.raises(OfficeError, match="--unknown"):
            await register.revoke_serial(connection, 7, NOW_MS, "asked", None)
        await register.revoke_serial(connection, 7, NOW_MS, "asked", NOW_MS + DAY_MS)
        assert await register.revoked_now(connection) == [(7, NOW_MS)]


async def test_rows_go_a_day_after_their_certificates(
    registry: Registry, database: Database
) -> None:
    await registry.register_device(DEVICE, NOW_MS)
    await got(database)
    ends_ms = NOW_MS + 90 * DAY_MS
    async with database.writing() as connection:
        assert await register.forget_expired(connection, ends_ms + DAY_MS) == 0
        assert await register.forget_expired(connection, ends_ms + DAY_MS + 1) == 1
    assert await on_record(database) == []


async def test_devices_have_certificates_of_their_own(
    registry: Registry, database: Database
) -> None:
    other = DeviceId("another")
    for one in (DEVICE, other):
        await registry.register_device(one, NOW_MS)
    mine = await got(database)
    theirs = (await enrol(database, AUTHORITY, TERMS, other, ASKED, NOW_MS)).serial_number
    async with database.writing() as connection:
        assert await register.revoke_device(connection, other, NOW_MS, "asked") == [theirs]
        assert [one.serial for one in await register.revoked_now(connection)] == [theirs]
    assert [one.serial for one in await on_record(database)] == [mine]
