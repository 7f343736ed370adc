"""The list of revoked certificates in its file."""

import asyncio
from pathlib import Path

import pytest
from cryptography import x509

from office.certificates import register
from office.certificates.memory import MemoryAuthority
from office.certificates.revocation_file import KEPT_MS, list_ends_ms, renew_list, write_list
from office.errors import OfficeError
from office.store.database import Database
from telemetry.instants import to_ms
from tests.support.certificates import DAY_MS, list_of

NOW_MS = 1_790_000_000_000
AUTHORITY = MemoryAuthority(NOW_MS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lists" / "crl.pem"


def ends_ms(file: Path) -> int:
    found = x509.load_pem_x509_crl(file.read_bytes())
    assert found.next_update_utc is not None
    return to_ms(found.next_update_utc)


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def holds(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)


def said(file: Path) -> set[int]:
    return {one.serial_number for one in x509.load_pem_x509_crl(file.read_bytes())}


def number(file: Path) -> int:
    found = x509.load_pem_x509_crl(file.read_bytes()).extensions
    return found.get_extension_for_class(x509.CRLNumber).value.crl_number


async def revoke(database: Database, serial: int, now_ms: int = NOW_MS) -> None:
    async with database.writing() as connection:
        await register.revoke_serial(connection, serial, now_ms, "asked", NOW_MS + 90 * DAY_MS)


async def test_it_says_what_is_revoked_and_gateways_can_read_it(
    database: Database, file: Path
) -> None:
    await revoke(database, 7)
    assert await write_list(database, AUTHORITY, file, NOW_MS, DAY_MS) == 1
    assert said(file) == {7}
    assert mode(file) == 0o644
    assert ends_ms(file) == NOW_MS + DAY_MS
    assert await asyncio.to_thread(list_ends_ms, file, AUTHORITY) == ends_ms(file)
    assert {one.name for one in file.parent.iterdir()} == {"crl.pem", "crl.pem.lock"}


async def test_it_is_renewed_at_half_of_its_life(database: Database, file: Path) -> None:
    async def renewed(after_ms: int) -> bool:
        return await renew_list(database, AUTHORITY, file, NOW_MS + after_ms, DAY_MS)

    assert await renewed(0)
    assert not await renewed(DAY_MS // 2 - 600_000)
    assert await renewed(DAY_MS // 2)
    assert ends_ms(file) == NOW_MS + DAY_MS // 2 + DAY_MS


async def test_what_a_command_could_not_write_the_next_turn_writes(
    database: Database, file: Path
) -> None:
    await renew_list(database, AUTHORITY, file, NOW_MS, DAY_MS)
    await revoke(database, 7)
    assert await renew_list(database, AUTHORITY, file, NOW_MS + 1, DAY_MS)
    assert said(file) == {7}


async def test_a_list_of_a_clock_that_was_set_back_is_made_anew(
    database: Database, file: Path
) -> None:
    await renew_list(database, AUTHORITY, file, NOW_MS + DAY_MS, DAY_MS)
    before = number(file)
    assert await renew_list(database, AUTHORITY, file, NOW_MS, DAY_MS)
    assert number(file) > before


async def test_a_database_of_before_takes_nothing_off_the_list(
    database: Database, file: Path
) -> None:
    """A restore, or a rebuild, has not the revocations since: they must not come back to life."""
    await revoke(database, 7)
    await write_list(database, AUTHORITY, file, NOW_MS, DAY_MS)
    async with database.writing() as connection:
        await register.forget_expired(connection, NOW_MS + 999 * DAY_MS)
        assert await register.revoked_now(connection) == []
    await revoke(database, 9)
    await write_list(database, AUTHORITY, file, NOW_MS + KEPT_MS - 1_000, DAY_MS)
    assert said(file) == {7, 9}
    await write_list(database, AUTHORITY, file, NOW_MS + KEPT_MS + 1, DAY_MS)
    assert said(file) == {9}


async def test_a_damaged_list_is_not_written_over(database: Database, file: Path) -> None:
    """What it said that the office does not know would be lost."""
    holds(file, b"nothing")
    with pytest.raises(OfficeError, match="holds no list"):
        await write_list(database, AUTHORITY, file, NOW_MS, DAY_MS)
    with pytest.raises(ValueError):
        said(file)


async def test_another_authoritys_list_is_replaced(database: Database, file: Path) -> None:
    holds(file, list_of(MemoryAuthority(NOW_MS), NOW_MS, 3))
    assert await asyncio.to_thread(list_ends_ms, file, AUTHORITY) == 0
    assert await renew_list(database, AUTHORITY, file, NOW_MS, DAY_MS)
    assert said(file) == set()


async def test_two_that_revoke_at_once_are_both_heard(database: Database, file: Path) -> None:
    async def one(serial: int) -> None:
        await revoke(database, serial)
        await write_list(database, AUTHORITY, file, NOW_MS, DAY_MS)

    await asyncio.gather(*(one(serial) for serial in range(1, 9)))
    assert said(file) == set(range(1, 9))


async def test_a_folder_that_cannot_be_written_is_said(database: Database, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OfficeError, match="cannot be written"):
        await write_list(database, AUTHORITY, tmp_path / "taken" / "crl.pem", NOW_MS, DAY_MS)
