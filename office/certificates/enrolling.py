"""A device, or a gateway, gets a certificate.

In: a request of the device's, or host names. Out: a certificate that is on record before anybody
has it: what nobody recorded could not be revoked.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from office.certificates.authority import Authority, issued
from office.certificates.register import record, require_enrollable
from office.certificates.requests import checked_request
from office.certificates.wanted import for_device, for_server
from office.store.database import Database
from telemetry.identity import DeviceId
from telemetry.instants import to_ms


class Terms(NamedTuple):
    """What the operator allows."""

    life_ms: int
    living_max: int
    """Certificates of one device that are good at once: two are needed to rotate."""


async def enrol(
    database: Database,
    authority: Authority,
    terms: Terms,
    device: DeviceId,
    brought: bytes,
    now_ms: int,
) -> x509.Certificate:
    """A certificate for a registered device, for the key of the request that it brought.

    It is signed outside of a transaction, since a command may take seconds; what changed meanwhile
    counts, and then the certificate is thrown away.
    """
    request = checked_request(brought)
    async with database.reading() as connection:
        await require_enrollable(connection, device, now_ms, terms.living_max)
    wanted = for_device(device, now_ms, terms.life_ms)
    made = await asyncio.to_thread(issued, authority, request, wanted)
    async with database.writing() as connection:
        row = await require_enrollable(connection, device, now_ms, terms.living_max)
        to = to_ms(made.not_valid_after_utc)
        await record(connection, row, made.serial_number, now_ms, to)
    return made


def server_certificate(
    authority: Authority, hosts: Sequence[str], now_ms: int, life_ms: int
) -> bytes:
    """A new key and its certificate for a gateway, in one PEM: so one rename replaces both."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    made = issued(authority, request, for_server(hosts, now_ms, life_ms))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + made.public_bytes(Encoding.PEM)
