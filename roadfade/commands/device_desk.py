"""What ``roadfade device …`` does with certificates at the office's desk, and how it answers.

Exit 0: done. 1: refused; or revoked in the office, but not on the list yet, which the message says.
"""

from pathlib import Path
from typing import Any, Final

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from office.certificates import register
from office.certificates.authority import Authority
from office.certificates.enrolling import Terms
from office.certificates.enrolling import enrol as enrol_in
from office.certificates.requests import REQUEST_BYTES_MAX
from office.certificates.revocation_file import KEPT_MS, write_list
from office.errors import OfficeError
from office.store.database import Database
from roadfade.commands.office_desk import OfficeDesk
from roadfade.device_authority import authority_of, has_authority
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json, settings, usage, write_page
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS, format_instant, to_ms

ASKED: Final = "asked"
RETIRED: Final = "retired"
NOT_LISTED: Final = (
    "revoked in the office, but gateways do not know yet: {why}. Mend that; the office process "
    "writes the list by itself, so do not repeat the command"
)
NONE: Final = "no certificate of that device is on record"


def enrol_device(
    desk: OfficeDesk, device: DeviceId, csr: Path, out: Path | None, *, as_json: bool
) -> None:
    """Sign, record, hand out."""
    current = settings()
    authority = authority_of(current)
    brought, now_ms = _brought(csr), desk.now_ms()
    days, living_max = current.device_certificate_days, current.device_certificates_max
    terms = Terms(days * DAY_MS, living_max)
    made = desk.on_database(
        lambda office: enrol_in(office, authority, terms, device, brought, now_ms)
    )
    text = made.public_bytes(Encoding.PEM).decode()
    serial, ends = f"{made.serial_number:x}", format_instant(to_ms(made.not_valid_after_utc))
    if out is not None:
        write_page(out, text)
    if as_json:
        facts: dict[str, Any] = {"done": "enrolled", "serial": serial, "until": ends}
        print_json(facts if out is not None else facts | {"certificate": text})
    else:
        typer.echo(text.rstrip() if out is None else f"enrolled {serial}  until {ends}")


def retire_device(desk: OfficeDesk, device: DeviceId, *, as_json: bool) -> None:
    """Revoke, unlink, and write the list if there is an authority here."""
    current, now_ms = settings(), desk.now_ms()
    authority = authority_of(current) if has_authority(current) else None

    async def work(database: Database) -> register.Ended:
        async with database.writing() as connection:
            ended = await register.retire(connection, device, now_ms, RETIRED)
        await _tell(database, authority, current, now_ms)
        return ended

    ended = desk.on_database(work)
    serials = [f"{one:x}" for one in ended.serials]
    if as_json:
        print_json({"done": "retired", "revoked": serials, "link": ended.link})
    else:
        link = "it had no link" if ended.link is None else f"its link {ended.link} ended"
        typer.echo(f"retired: {len(serials)} certificates revoked, {link}")


def revoke_certificates(
    desk: OfficeDesk, serial: int | None, device: DeviceId | None, *, unknown: bool, as_json: bool
) -> None:
    """Revoke one, or all of a device, and write the list."""
    current, now_ms = settings(), desk.now_ms()
    authority = authority_of(current)

    async def work(database: Database) -> list[int]:
        async with database.writing() as connection:
            if device is not None:
                revoked = await register.revoke_device(connection, device, now_ms, ASKED)
            else:
                to_ms = now_ms + KEPT_MS if unknown else None
                await register.revoke_serial(connection, serial or 0, now_ms, ASKED, to_ms)
                revoked = [serial or 0]
        await _tell(database, authority, current, now_ms)
        return revoked

    serials = [f"{one:x}" for one in desk.on_database(work)]
    if as_json:
        print_json({"done": "revoked", "revoked": serials})
    else:
        typer.echo("\n".join(f"revoked {one}" for one in serials) or "there was none to revoke")


def list_certificates(desk: OfficeDesk, device: DeviceId, *, as_json: bool) -> None:
    """Serial numbers, and how long they are good."""

    async def work(database: Database) -> list[register.Issued]:
        async with database.reading() as connection:
            return await register.certificates_of(connection, device)

    now_ms = desk.now_ms()
    rows = [_told(one, now_ms) for one in desk.on_database(work)]
    if as_json:
        print_json({"certificates": rows})
        return
    for row in rows:
        typer.echo(f"{row['serial']}  {row['state']}, from {row['issued']} until {row['until']}")
    if not rows:
        typer.echo(NONE)


async def _tell(
    database: Database, authority: Authority | None, current: Settings, now_ms: int
) -> None:
    """Write the list; the revocation is durable before, and the office writes what this cannot."""
    if authority is None:
        return
    try:
        life_ms = current.crl_life_ms
        await write_list(database, authority, current.crl_path, now_ms, life_ms)
    except OfficeError as failure:
        raise Refusal(NOT_LISTED.format(why=failure)) from None


def _told(one: register.Issued, now_ms: int) -> dict[str, Any]:
    state = "good" if one.not_after_ms > now_ms else "expired"
    return {
        "serial": f"{one.serial:x}",
        "state": state if one.revoked_ms is None else "revoked",
        "issued": format_instant(one.issued_ms),
        "until": format_instant(one.not_after_ms),
        "revoked": None if one.revoked_ms is None else format_instant(one.revoked_ms),
        "reason": one.reason,
    }


def _brought(csr: Path) -> bytes:
    try:
        with csr.open("rb") as opened:
            return opened.read(REQUEST_BYTES_MAX + 1)
    except OSError as error:
        usage(f"{csr} cannot be read ({error.strerror}): name the file of the device's request")
