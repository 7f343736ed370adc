"""Requests and certificates for tests, sound and odd ones; and a handshake without a socket."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from office.certificates import forms
from office.certificates.authority import ListWanted, Revoked
from office.certificates.memory import MemoryAuthority
from office.certificates.wanted import Use, Wanted, for_device
from telemetry.identity import DeviceId

DAY_MS = 86_400_000
DEVICE = DeviceId("dongle-of-nobody")
PEM = Encoding.PEM


def private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def request_of(key: Any = None, called: str = "somebody else") -> x509.CertificateSigningRequest:
    """A request that asks for names which nobody should believe."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    names = x509.SubjectAlternativeName([x509.DNSName("gateway.example")])
    asked = x509.CertificateSigningRequestBuilder(name).add_extension(names, critical=False)
    rights = asked.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return rights.sign(key, None if "Ed25519" in type(key).__name__ else hashes.SHA256())


class Client:
    """A key and a certificate for it, as a device brings them."""

    def __init__(self, authority: MemoryAuthority, wanted: Wanted) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = authority.sign(request_of(self.key), wanted)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return private_pem(self.key) + self.certificate.public_bytes(PEM)


def device(authority: MemoryAuthority, now_ms: int, *, days: int = 90) -> Client:
    return Client(authority, for_device(DEVICE, now_ms, days * DAY_MS))


def named(
    authority: MemoryAuthority,
    now_ms: int,
    names: Sequence[x509.GeneralName],
    use: Use = Use.DEVICE,
) -> Client:
    return Client(authority, Wanted(use, names, now_ms - DAY_MS, now_ms + DAY_MS))


def list_of(authority: MemoryAuthority, now_ms: int, *serials: int, hours: int = 24) -> bytes:
    revoked = [Revoked(one, now_ms) for one in serials]
    wanted = ListWanted(revoked, now_ms, now_ms - 1_000, now_ms + hours * 3_600_000)
    return forms.revocation_list(authority.key, authority.certificate(), wanted).public_bytes(PEM)


def client_context(authority: MemoryAuthority, client: Client | None, folder: Path) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.certificate().public_bytes(PEM).decode())
    if client is not None:
        file = folder / "client.pem"
        file.write_bytes(client.pem)
        context.load_cert_chain(file)
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """The server's side of a connection; ssl.SSLError if either side refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(to_server, to_client, server_side=True)
    there = client.wrap_bio(to_client, to_server, server_hostname=host)
    waiting = [there, here]
    for _ in range(20):
        for one in list(waiting):
            try:
                one.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(one)
        if not waiting:
            return here
    msg = "the handshake came to no end"
    raise AssertionError(msg)
