"""One contract for doorkeepers, with real handshakes: over files, and in memory."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from ingest.gateway.certificate_files import DoorFiles
from ingest.gateway.client_certificates import ClientCertificates, listening_context
from ingest.gateway.memory import MemoryDoorkeeper
from ingest.gateway.ports import Doorkeeper, Peer
from office.certificates.memory import MemoryAuthority
from office.certificates.wanted import Use, Wanted, for_server
from roadfade.clock import wall_ms
from telemetry.device_names import name_of
from telemetry.identity import DeviceId
from telemetry.instants import to_ms
from tests.support.certificates import (
    DAY_MS,
    DEVICE,
    PEM,
    Client,
    client_context,
    device,
    handshake,
    list_of,
    named,
)

HOST = "gateway.example"
MINUTE_MS = 60_000
URI = x509.UniformResourceIdentifier


class House:
    """An authority, a gateway's doorkeeper, and devices that come to it.

    The handshake judges times by the machine's clock, so the house's begins at it.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.now_ms = wall_ms()
        self.authority = MemoryAuthority(self.now_ms)
        server = Client(self.authority, for_server([HOST], self.now_ms, 90 * DAY_MS))
        self.files = DoorFiles(folder / "server.pem", folder / "ca.pem", folder / "crl.pem")
        self.files.server.write_bytes(server.pem)
        self.files.authorities.write_bytes(self.authority.certificate().public_bytes(PEM))
        self.memory: MemoryDoorkeeper | None = None
        self._revoked: list[int] = []
        self.revoke()
        if kind == "files":
            self.doorkeeper: Doorkeeper = ClientCertificates.opened(self.files, self.clock)
        else:
            context = listening_context()
            context.load_cert_chain(self.files.server)
            context.load_verify_locations(self.files.authorities)
            self.doorkeeper = self.memory = MemoryDoorkeeper(context, self.clock)

    def clock(self) -> int:
        return self.now_ms

    def known(self, client: Client) -> Client:
        """A memory knows whom it is told; files know by what a certificate says."""
        if self.memory is not None:
            made = client.certificate
            to = to_ms(made.not_valid_after_utc)
            self.memory.admit(client.der, Peer(DEVICE, made.serial_number), to)
        return client

    def comes(self, client: Client | None) -> Peer | None:
        context = client_context(self.authority, client, self.folder)
        return self.doorkeeper.peer_of(handshake(self.doorkeeper.context(), context, HOST))

    def revoke(self, *serials: int) -> None:
        self._revoked += serials
        content = list_of(self.authority, self.now_ms, *self._revoked)
        self.files.revocations.write_bytes(content)
        if self.memory is not None:
            for one in serials:
                self.memory.revoke(one)
        elif serials:
            self.reload()

    def reload(self) -> None:
        if isinstance(self.doorkeeper, ClientCertificates):
            self.doorkeeper.reload()

    def lose_list(self) -> None:
        self.files.revocations.unlink()
        if self.memory is not None:
            self.memory.open = False
        self.reload()


@pytest.fixture(params=["files", "memory"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return House(tmp_path, request.param)


def test_a_device_comes_in_by_the_one_name_of_its_certificate(house: House) -> None:
    client = house.known(device(house.authority, house.now_ms))
    peer = house.comes(client)
    assert peer == Peer(DEVICE, client.certificate.serial_number)
    assert house.doorkeeper.stands(peer)
    assert DEVICE not in repr(peer)


def test_no_certificate_no_connection(house: House) -> None:
    with pytest.raises(ssl.SSLError):
        house.comes(None)


def _another_authority(house: House) -> Client:
    return device(MemoryAuthority(house.now_ms, "others"), house.now_ms)


def _the_same_names(house: House) -> Client:
    return device(MemoryAuthority(house.now_ms), house.now_ms)


def _expired(house: House) -> Client:
    return device(house.authority, house.now_ms - 91 * DAY_MS)


def _not_yet(house: House) -> Client:
    return device(house.authority, house.now_ms + DAY_MS)


def _a_server(house: House) -> Client:
    names = [URI(name_of(DEVICE))]
    return named(house.authority, house.now_ms, names, Use.SERVER)


def _a_gateway(house: House) -> Client:
    return Client(house.authority, for_server([HOST], house.now_ms, DAY_MS))


@pytest.mark.parametrize(
    "made", [_another_authority, _the_same_names, _expired, _not_yet, _a_server, _a_gateway]
)
def test_whom_the_authority_does_not_vouch_for_gets_no_connection(
    house: House, made: Callable[[House], Client]
) -> None:
    with pytest.raises(ssl.SSLError):
        house.comes(made(house))


@pytest.mark.parametrize(
    "names",
    [
        [URI(name_of(DEVICE)), URI(name_of(DeviceId("another")))],
        [URI(name_of(DEVICE)), URI(name_of(DEVICE))],
        [URI(name_of(DEVICE)), x509.DNSName("dongle-of-nobody")],
        [x509.DNSName("dongle-of-nobody")],
        [URI("dongle-of-nobody")],
        [URI("urn:roadfade:person:dongle-of-nobody")],
        [URI("urn:roadfade:device:%64ongle-of-nobody")],
    ],
    ids=["two", "twice", "and a host", "a host", "no form", "another form", "two spellings"],
)
def test_a_certificate_that_names_no_one_device_is_nobodys(
    house: House, names: list[x509.GeneralName]
) -> None:
    # The authority's signature is good, so only the doorkeeper can tell.
    assert house.comes(named(house.authority, house.now_ms, names)) is None


def test_a_revoked_certificate_opens_no_door_and_ends_connections(house: House) -> None:
    client = house.known(device(house.authority, house.now_ms))
    other = house.known(device(house.authority, house.now_ms))
    peer, stays = house.comes(client), house.comes(other)
    assert peer is not None and stays is not None
    house.revoke(client.certificate.serial_number)
    assert not house.doorkeeper.stands(peer)
    assert house.comes(client) is None
    assert house.doorkeeper.stands(stays)
    assert house.comes(other) == stays


def test_a_connection_ends_when_its_certificate_is_over(house: House) -> None:
    certificate = Wanted(
        Use.DEVICE, [URI(name_of(DEVICE))], house.now_ms - DAY_MS, house.now_ms + 5 * MINUTE_MS
    )
    peer = house.comes(house.known(Client(house.authority, certificate)))
    assert peer is not None and house.doorkeeper.stands(peer)
    house.now_ms += 5 * MINUTE_MS
    assert not house.doorkeeper.stands(peer)


def test_without_a_list_nobody_new_comes_in_and_who_is_in_stays(house: House) -> None:
    client = house.known(device(house.authority, house.now_ms))
    peer = house.comes(client)
    assert peer is not None
    house.lose_list()
    assert house.comes(client) is None
    assert house.doorkeeper.stands(peer)


def test_a_peer_that_no_certificate_made_does_not_stand(house: House) -> None:
    assert not house.doorkeeper.stands(Peer(DEVICE, 0))


def test_the_context_is_the_same_for_ever_and_takes_up_no_session(house: House) -> None:
    context = house.doorkeeper.context()
    assert context is house.doorkeeper.context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.num_tickets == 0 and ssl.OP_NO_TICKET in context.options
