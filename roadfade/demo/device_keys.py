"""Keys and certificates of a simulated fleet, and of the gateway that it talks to.

In: an office where the devices are registered, a folder. Out: a TLS context for each device, signed
by an authority that this run makes. Every private key lies in the run's folder, which goes with it.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from office.certificates.authority import Authority
from office.certificates.enrolling import Terms, enrol, server_certificate
from office.certificates.file_authority import make_authority
from office.certificates.revocation_file import renew_list
from office.store.database import Database
from office.whole_files import PRIVATE, replace_file
from roadfade.device_authority import authority_of
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS

HOSTS: Final = ("127.0.0.1", "localhost")
GATEWAY_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class FleetKeys:
    """The gateway's certificate with its key, and what each device connects with."""

    gateway: Path
    contexts: Mapping[DeviceId, ssl.SSLContext]


async def make_keys(settings: Settings, devices: Iterable[DeviceId], now_ms: int) -> FleetKeys:
    """An authority, its list, the gateway's certificate, and one for each device."""
    folder = settings.state_dir / "devices"
    folder.mkdir(mode=0o700)
    await asyncio.to_thread(make_authority, settings.ca_dir, None, now_ms)
    authority = await asyncio.to_thread(authority_of, settings)
    gateway = folder / "gateway.pem"
    served = await asyncio.to_thread(
        server_certificate, authority, HOSTS, now_ms, GATEWAY_DAYS * DAY_MS
    )
    await asyncio.to_thread(replace_file, gateway, served, PRIVATE)
    contexts = {}
    async with Database.opened(settings.office_path) as office:
        list_ms = settings.crl_life_ms
        await renew_list(office, authority, settings.crl_path, now_ms, list_ms)
        for number, device in enumerate(devices):
            file = folder / f"{number}.pem"
            await _enrolled(settings, office, authority, device, file, now_ms)
            contexts[device] = await asyncio.to_thread(_context, settings.ca_file, file)
    return FleetKeys(gateway, contexts)


async def _enrolled(
    settings: Settings,
    office: Database,
    authority: Authority,
    device: DeviceId,
    file: Path,
    now_ms: int,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    terms = Terms(settings.device_certificate_days * DAY_MS, settings.device_certificates_max)
    brought = request.public_bytes(Encoding.PEM)
    made = await enrol(office, authority, terms, device, brought, now_ms)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    await asyncio.to_thread(replace_file, file, private + made.public_bytes(Encoding.PEM), PRIVATE)


def _context(authority: Path, file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(file)
    return context
