"""A front desk, a doorkeeper and certificates of a day, beside the real door."""

import asyncio
import datetime as dt
import ssl
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingest.gateway.mqtt.observer import MqttObserver, Outcome
from ingest.gateway.ports import Answer, Peer, Refusal
from telemetry.identity import DeviceId

ACCEPTED = Answer(1, {})
BUSY = Answer(0, {Refusal.UNAVAILABLE: 1})


class Desk:
    """Takes everything, after the answers that it was told to give first; ``open`` holds it."""

    def __init__(self, first: Iterable[Answer] = ()) -> None:
        self._first = list(first)
        self.open = asyncio.Event()
        self.open.set()
        self.offered: list[tuple[str, str, bytes]] = []
        self.taken: list[bytes] = []
        self.came = asyncio.Event()

    async def take(self, peer: Peer, format_: str, payload: bytes) -> Answer:
        self.offered.append((str(peer.device), format_, payload))
        self.came.set()
        await self.open.wait()
        answer = self._first.pop(0) if self._first else ACCEPTED
        if answer.accepted:
            self.taken.append(payload)
        return answer


class Counts(MqttObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.of_envelopes: Counter[str] = Counter()
        self.of_messages: Counter[Outcome] = Counter()
        self.ends: list[str] = []
        self.open, self.again, self.failures = 0, 0, list[str]()
        self.tried = asyncio.Event()
        self.news: asyncio.Queue[int] = asyncio.Queue()

    def envelopes(self, outcome: str, count: int) -> None:
        self.of_envelopes[outcome] += count

    def message(self, outcome: Outcome) -> None:
        self.of_messages[outcome] += 1

    def tried_again(self) -> None:
        self.again += 1
        self.tried.set()

    def connections(self, count: int) -> None:
        self.open = count
        self.news.put_nowait(count)

    def ended(self, reason: str) -> None:
        self.ends.append(reason)

    def failed(self, kind: str) -> None:
        self.failures.append(kind)


class Keeper:
    """Knows whoever has a certificate of ``authority`` and is not in ``revoked``."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self.revoked: set[str] = set()

    def context(self) -> ssl.SSLContext:
        assert self._context is not None
        return self._context

    def peer_of(self, connection: ssl.SSLObject) -> Peer | None:
        said: Any = connection.getpeercert() or {}
        devices = [name for kind, name in said.get("subjectAltName", ()) if kind == "DNS"]
        peer = Peer(DeviceId(devices[0]), 1) if devices else None
        return peer if peer is not None and self.stands(peer) else None

    def stands(self, peer: Peer) -> bool:
        return str(peer.device) not in self.revoked


@dataclass(frozen=True)
class Papers:
    """Files of one certificate, for clients that want files."""

    ca: Path
    certificate: Path
    key: Path

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A CA of a day, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("a test's authority")
        self.file = folder / "ca.pem"
        made = _builder(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def papers(self, name: str, *, server: bool = False) -> Papers:
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if server:
            names = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
        made = _builder(_named(name), self._name, key.public_key()).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        papers = Papers(self.file, self._folder / f"{name}.pem", self._folder / f"{name}.key")
        papers.certificate.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))
        papers.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return papers

    def listening(self) -> ssl.SSLContext:
        """For a listener that wants certificates of this authority."""
        own = self.papers("server", server=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.certificate, own.key)
        context.load_verify_locations(self.file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
