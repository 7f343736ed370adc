"""Making an authority for devices, and a gateway's certificate; loads what signs."""

from collections.abc import Sequence
from pathlib import Path

from office.certificates.enrolling import server_certificate
from office.certificates.file_authority import make_authority
from office.certificates.revocation_file import renew_list
from office.store.database import Database
from office.whole_files import PRIVATE, replace_file
from roadfade.commands.office_desk import OfficeDesk
from roadfade.device_authority import authority_of
from roadfade.settings import Settings
from telemetry.instants import DAY_MS


def make(settings: Settings, desk: OfficeDesk) -> bool:
    """An authority and its list; whether there was no authority."""
    password, now_ms = settings.device_ca_password, desk.now_ms()

    async def work(database: Database) -> bool:
        secret = None if password is None else password.get_secret_value()
        fresh = make_authority(settings.ca_dir, secret, now_ms)
        life_ms = settings.crl_life_ms
        await renew_list(database, authority_of(settings), settings.crl_path, now_ms, life_ms)
        return fresh

    return desk.on_database(work)


def serve(settings: Settings, hosts: Sequence[str], out: Path, days: int, now_ms: int) -> None:
    """A gateway's key and certificate in one file."""
    made = server_certificate(authority_of(settings), hosts, now_ms, days * DAY_MS)
    replace_file(out, made, PRIVATE)
