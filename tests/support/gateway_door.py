"""A gateway's HTTPS door on loopback with real TLS, and devices of a throwaway authority."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingest.gateway.boots import Boots
from ingest.gateway.collection_lists import Lists
from ingest.gateway.copies import Copies
from ingest.gateway.formats import Adapters
from ingest.gateway.front_desk import Desk, Out
from ingest.gateway.http import HttpDoor
from ingest.gateway.http_listener import Bounds, Listener
from ingest.gateway.identities import ByCertificate, Identity
from ingest.gateway.ports import Peer
from ingest.gateway.shares import Shares
from telemetry.identity import DeviceId
from telemetry.wire.envelope import Envelope

HOST: Final = "127.0.0.1"
DAY: Final = dt.timedelta(days=1)


async def met(claim: Callable[[], object]) -> None:
    """Let others work until it is so; a hang meets the test's own deadline."""
    while not claim():  # noqa: ASYNC110  # what it waits for sets no event
        await asyncio.sleep(0)


class Authority:
    """Signs certificates of devices and of the gateway; each object is another authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
        own = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(
            own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )

    def certificate(self, name: str, *names: x509.GeneralName) -> Path:
        """A certificate with its key in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "one of a test")])
        made = (
            self._builder(subject, key)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self.folder / f"{name}.pem"
        file.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return file

    def of_device(self, device: str) -> Path:
        """A device's certificate."""
        return self.certificate(device, x509.UniformResourceIdentifier(f"urn:device:{device}"))

    def of_gateway(self) -> Path:
        """The gateway's own."""
        return self.certificate("gateway", x509.IPAddress(ipaddress.ip_address(HOST)))

    def _builder(self, subject: x509.Name, key: Any) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )


class TestDoorkeeper:
    """Knows the devices of one authority; ``revoked`` are those that stand no more."""

    __test__ = False

    def __init__(self, authority: Authority, own: Path) -> None:
        self.revoked: set[DeviceId] = set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_verify_locations(authority.file)
        self._context.load_cert_chain(own)

    def context(self) -> ssl.SSLContext:
        return self._context

    def peer_of(self, connection: ssl.SSLObject) -> Peer | None:
        said: Any = connection.getpeercert()
        name = next(text for kind, text in said["subjectAltName"] if kind == "URI")
        device = DeviceId(name.removeprefix("urn:device:"))
        peer = Peer(device, int(said["serialNumber"], 16))
        return peer if self.stands(peer) else None

    def stands(self, peer: Peer) -> bool:
        return peer.device not in self.revoked


@dataclass
class KeptOut:
    """A way out that keeps what it is given; ``durable`` says what the broker does."""

    durable: bool = True
    sent: list[Envelope] = field(default_factory=list)

    async def send(
        self, envelopes: Sequence[Envelope], size: int, then: Callable[[], None]
    ) -> bool:
        del size
        await asyncio.sleep(0)
        if self.durable:
            self.sent += envelopes
            then()
        return self.durable


@dataclass
class Time:
    """A clock that a test moves."""

    s: float = 1_000.0

    def __call__(self) -> float:
        return self.s

    def ms(self) -> int:
        return int(self.s * 1000)


def desk(
    out: Out,
    time: Time,
    *,
    adapters: Adapters | None = None,
    envelopes: int = 1_000_000,
    size: int = 1 << 40,
    quiet_s: float = 300.0,
    copies: int = 1_000,
) -> Desk:
    """A desk with large shares, unless a test asks for small ones."""
    return Desk(
        out,
        Shares(envelopes, size, 1_000, time),
        Copies(copies),
        Boots(int(quiet_s * 1000), 1_000),
        time.ms,
        adapters=adapters or {},
        quiet_s=quiet_s,
        devices_max=1_000,
    )


@dataclass
class House:
    """A door that stands open, and what is behind it."""

    port: int
    listener: Listener
    door: HttpDoor
    desk: Desk
    out: KeptOut
    time: Time
    doorkeeper: TestDoorkeeper
    authority: Authority

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def context(self, device: str | None, authority: Authority | None = None) -> ssl.SSLContext:
        """A client's; with a device's certificate, or with none."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if device is not None:
            context.load_cert_chain((authority or self.authority).of_device(device))
        return context

    @asynccontextmanager
    async def client(self, device: str) -> AsyncIterator[aiohttp.ClientSession]:
        """A device's client."""
        context = await asyncio.to_thread(self.context, device)
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(self.url, connector=connector) as session:
            yield session

    async def raw(self, device: str | None, request: bytes) -> bytes:
        """All that is answered to these bytes, until the door ends the connection."""
        context = await asyncio.to_thread(self.context, device)
        reader, writer = await asyncio.open_connection(HOST, self.port, ssl=context)
        try:
            writer.write(request)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    bounds: Bounds | None = None,
    lists: Lists | None = None,
    out: Out | None = None,
    identity: Callable[[TestDoorkeeper], Identity] = ByCertificate,
    **of_desk: Any,
) -> AsyncIterator[House]:
    """A door on a free port; no watch runs, so that a test looks itself."""
    authority = await asyncio.to_thread(Authority, folder)
    own = await asyncio.to_thread(authority.of_gateway)
    doorkeeper = await asyncio.to_thread(TestDoorkeeper, authority, own)
    time, kept = Time(), KeptOut()
    one = desk(out or kept, time, **of_desk)
    listener = Listener(identity(doorkeeper), bounds or Bounds(100, 60.0, 60.0), time)
    formats = frozenset(of_desk.get("adapters", {}))
    door = HttpDoor(listener, one, one.refused_of, formats, lists)
    port = await door.start(HOST, 0)
    try:
        yield House(port, listener, door, one, kept, time, doorkeeper, authority)
    finally:
        await door.stop(5.0)
