"""The list of revoked certificates, as gateways read it: a file that is replaced whole.

In: the office's database, an authority. Out: a list that is never behind the database, whoever
writes at once, and that forgets nothing if the database was restored or rebuilt: entries of the
list before stay for as long as a certificate can live.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from office.certificates.authority import Authority, ListWanted, Revoked, listed, signed_list
from office.certificates.register import revoked_now
from office.errors import OfficeError
from office.store.database import Database
from office.whole_files import PUBLIC, replace_file
from telemetry.instants import DAY_MS, to_ms

CERTIFICATE_DAYS_MAX: Final = 397
KEPT_MS: Final = (CERTIFICATE_DAYS_MAX + 1) * DAY_MS
"""So long an entry of a list stays that no row explains: no certificate lives longer."""
BACK_MS: Final = 300_000
"""A list is good from a little before now on: clocks of gateways are slow."""
BYTES_MAX: Final = 16 * 1024 * 1024


async def write_list(
    database: Database, authority: Authority, file: Path, now_ms: int, life_ms: int
) -> int:
    """Write what is revoked now; how many. OfficeError, and the file stays, if it cannot be."""
    async with _alone(file):
        return await _write(database, authority, file, now_ms, life_ms)


async def renew_list(
    database: Database, authority: Authority, file: Path, now_ms: int, life_ms: int
) -> bool:
    """Write it if half its life is over, or if it lacks something; whether it was written."""
    async with _alone(file):
        async with database.reading() as connection:
            revoked = await revoked_now(connection)
        before = await asyncio.to_thread(_before, file, authority)
        if before is not None and not _due(before, revoked, now_ms):
            return False
        await _write(database, authority, file, now_ms, life_ms)
        return True


def list_ends_ms(file: Path, authority: Authority) -> int:
    """When the list in the file ends; 0 if there is none of this authority's. Blocks."""
    found = _before(file, authority)
    return 0 if found is None or found.next_update_utc is None else to_ms(found.next_update_utc)


async def _write(
    database: Database, authority: Authority, file: Path, now_ms: int, life_ms: int
) -> int:
    async with database.reading() as connection:
        revoked = await revoked_now(connection)
    return await asyncio.to_thread(_sign, authority, file, revoked, now_ms, life_ms)


def _sign(
    authority: Authority, file: Path, revoked: list[Revoked], now_ms: int, life_ms: int
) -> int:
    before = _before(file, authority)
    entries = {one.serial: one for one in ([] if before is None else _entries(before))}
    kept = {serial: one for serial, one in entries.items() if one.revoked_ms > now_ms - KEPT_MS}
    every = sorted((kept | {one.serial: one for one in revoked}).values())
    # By the clock, so that it also rises after a list was lost.
    number = max(now_ms, 0 if before is None else _number(before) + 1)
    wanted = ListWanted(every, number, now_ms - BACK_MS, now_ms + life_ms)
    made = listed(authority, wanted)
    try:
        replace_file(file, made.public_bytes(Encoding.PEM), PUBLIC)
    except OSError as error:
        msg = f"the list of revoked certificates cannot be written to {file}: {error.strerror}"
        raise OfficeError(msg) from None
    return len(every)


def _before(file: Path, authority: Authority) -> x509.CertificateRevocationList | None:
    """The list in the file; None if there is none of this authority's. OfficeError if damaged."""
    try:
        with file.open("rb") as opened:
            content = opened.read(BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"the list of revoked certificates in {file} cannot be read: {error.strerror}"
        raise OfficeError(msg) from None
    try:
        found = x509.load_pem_x509_crl(content)
    except ValueError:
        msg = (
            f"{file} holds no list of revoked certificates: put it back, or move it away if "
            "nothing was revoked that the office does not know"
        )
        raise OfficeError(msg) from None
    return found if signed_list(found, authority.certificate()) else None


def _entries(before: x509.CertificateRevocationList) -> list[Revoked]:
    return [Revoked(one.serial_number, to_ms(one.revocation_date_utc)) for one in before]


def _number(before: x509.CertificateRevocationList) -> int:
    try:
        return before.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def _due(before: x509.CertificateRevocationList, revoked: list[Revoked], now_ms: int) -> bool:
    if before.next_update_utc is None:
        return True
    from_ms, to = to_ms(before.last_update_utc), to_ms(before.next_update_utc)
    lacks = {one.serial for one in revoked} - {one.serial for one in _entries(before)}
    return bool(lacks) or not from_ms <= now_ms < from_ms + (to - from_ms) // 2


@asynccontextmanager
async def _alone(file: Path) -> AsyncIterator[None]:
    """Of several processes that would write it, one after another: an older state never wins."""
    try:
        descriptor = await asyncio.to_thread(_locked, file.with_name(f"{file.name}.lock"))
    except OSError as error:
        msg = f"the list of revoked certificates cannot be written to {file}: {error.strerror}"
        raise OfficeError(msg) from None
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(file: Path) -> int:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
