"""What a doorkeeper over files does when its files change, are damaged, or are somebody else's."""

import logging
import os
import ssl
from pathlib import Path

import pytest

from ingest.gateway.certificate_files import DoorFiles, Fault
from ingest.gateway.client_certificates import ClientCertificates
from ingest.gateway.ports import Peer
from office.certificates.memory import MemoryAuthority
from office.certificates.wanted import for_server
from roadfade.clock import wall_ms
from tests.support.certificates import (
    DAY_MS,
    DEVICE,
    PEM,
    Client,
    client_context,
    device,
    handshake,
    list_of,
    private_pem,
)

HOST = "gateway.example"
HOUR_MS = 3_600_000


class Door:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = wall_ms()
        self.authority = MemoryAuthority(self.now_ms)
        self.files = DoorFiles(folder / "server.pem", folder / "ca.pem", folder / "crl.pem")
        self.put(self.files.server, self.server().pem)
        self.put(self.files.authorities, self.authority.certificate().public_bytes(PEM))
        self.put(self.files.revocations, list_of(self.authority, self.now_ms))
        self.keeper = ClientCertificates.opened(self.files, lambda: self.now_ms)
        self.client = device(self.authority, self.now_ms)

    def server(self, authority: MemoryAuthority | None = None) -> Client:
        return Client(authority or self.authority, for_server([HOST], self.now_ms, 9 * DAY_MS))

    def put(self, file: Path, content: bytes) -> None:
        """As whoever writes these files does it: another file in the old one's place."""
        draft = file.with_name("draft")
        draft.write_bytes(content)
        draft.replace(file)

    def comes(
        self, client: Client | None = None, trusts: MemoryAuthority | None = None
    ) -> Peer | None:
        context = client_context(trusts or self.authority, client or self.client, self.folder)
        return self.keeper.peer_of(handshake(self.keeper.context(), context, HOST))


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def _gone(door: Door) -> None:
    door.files.revocations.unlink()


def _damaged(door: Door) -> None:
    door.put(door.files.revocations, list_of(door.authority, door.now_ms)[:200])


def _empty(door: Door) -> None:
    door.put(door.files.revocations, b"")


def _others(door: Door) -> None:
    door.put(door.files.revocations, list_of(MemoryAuthority(door.now_ms), door.now_ms))


def _over(door: Door) -> None:
    then_ms = door.now_ms - 25 * HOUR_MS
    door.put(door.files.revocations, list_of(door.authority, then_ms))


def _ahead(door: Door) -> None:
    door.put(door.files.revocations, list_of(door.authority, door.now_ms + DAY_MS))


def _unreadable(door: Door) -> None:
    door.files.revocations.unlink()
    door.files.revocations.mkdir()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_gone, Fault.LIST_MISSING),
        (_damaged, Fault.LIST_UNREADABLE),
        (_empty, Fault.LIST_UNREADABLE),
        (_unreadable, Fault.LIST_UNREADABLE),
        (_others, Fault.LIST_FOREIGN),
        (_over, Fault.LIST_EXPIRED),
        (_ahead, Fault.LIST_EXPIRED),
    ],
)
def test_without_a_good_list_nobody_new_comes_in_and_it_is_said_once(
    door: Door, caplog: pytest.LogCaptureFixture, spoil: object, fault: Fault
) -> None:
    assert callable(spoil)
    assert door.keeper.faults == frozenset()
    assert door.comes() == Peer(DEVICE, door.client.certificate.serial_number)
    spoil(door)
    with caplog.at_level(logging.WARNING):
        door.keeper.reload()
        door.keeper.reload()
    assert door.comes() is None
    assert door.keeper.faults == {fault}
    assert len(caplog.records) == 1
    assert DEVICE not in caplog.text
    door.put(_away(door.files.revocations), list_of(door.authority, door.now_ms))
    door.keeper.reload()
    assert door.keeper.faults == frozenset()
    assert door.comes() is not None


def _away(file: Path) -> Path:
    if file.is_dir():
        file.rmdir()
    return file


def test_a_list_that_nobody_renews_closes_the_door_though_no_file_changed(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    peer = door.comes()
    assert peer is not None
    door.now_ms += 24 * HOUR_MS
    with caplog.at_level(logging.WARNING):
        door.keeper.reload()
    assert door.comes() is None
    assert not door.keeper.stands(peer)
    assert door.keeper.faults == {Fault.LIST_EXPIRED}
    assert "the office has not written another" in caplog.text


def test_a_gateway_starts_without_a_list_and_lets_nobody_in(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.files.revocations.unlink()
    door.keeper = ClientCertificates.opened(door.files, lambda: door.now_ms)
    assert door.keeper.faults == {Fault.LIST_MISSING}
    assert door.comes() is None


def test_a_gateway_without_a_certificate_of_its_own_does_not_start(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.files.server.write_bytes(door.authority.certificate().public_bytes(PEM))
    with pytest.raises(OSError):
        ClientCertificates.opened(door.files, lambda: door.now_ms)


def test_the_gateways_own_certificate_is_renewed_in_place(door: Door) -> None:
    fresh = door.server()
    context = door.keeper.context()
    door.put(door.files.server, fresh.pem)
    door.keeper.reload()
    client = client_context(door.authority, door.client, door.folder)
    handshake(context, client, HOST)
    assert _shown(context, client) == fresh.der


def _shown(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """The certificate that a gateway shows."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(to_server, to_client, server_side=True)
    there = client.wrap_bio(to_client, to_server, server_hostname=HOST)
    for one in (there, here, there):
        try:
            one.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return there.getpeercert(binary_form=True)


@pytest.mark.parametrize("spoiled", ["another key", "no key", "gone"])
def test_a_server_certificate_that_cannot_be_used_leaves_the_one_before(
    door: Door, spoiled: str
) -> None:
    fresh = door.server()
    only = fresh.certificate.public_bytes(PEM)
    if spoiled == "gone":
        door.files.server.unlink()
    else:
        key = b"" if spoiled == "no key" else private_pem(door.client.key)
        door.put(door.files.server, key + only)
    door.keeper.reload()
    assert door.keeper.faults == {Fault.SERVER}
    assert door.comes() is not None


def test_devices_go_over_from_one_authority_to_the_next(door: Door) -> None:
    following = MemoryAuthority(door.now_ms, "the following authority")
    both = [one.certificate().public_bytes(PEM) for one in (door.authority, following)]
    lists = [list_of(one, door.now_ms) for one in (door.authority, following)]
    newer = device(following, door.now_ms)
    door.put(door.files.authorities, b"".join(both))
    door.keeper.reload()
    # An authority of which nobody says what is revoked: its devices wait, the others' do not.
    assert door.keeper.faults == {Fault.LIST_FOREIGN}
    assert door.comes(newer) is None
    old = door.comes()
    assert old is not None
    door.put(door.files.revocations, b"".join(lists))
    door.keeper.reload()
    assert door.keeper.faults == frozenset()
    assert door.comes(newer) is not None
    assert door.comes() == old


def test_an_authority_that_is_taken_out_opens_no_door(door: Door) -> None:
    peer = door.comes()
    assert peer is not None
    following = MemoryAuthority(door.now_ms, "the following authority")
    door.put(door.files.authorities, following.certificate().public_bytes(PEM))
    door.put(door.files.revocations, list_of(following, door.now_ms))
    door.keeper.reload()
    # The context cannot forget it, and shakes hands; the doorkeeper does not go by that.
    assert door.comes() is None
    assert not door.keeper.stands(peer)


def test_an_authority_that_is_taken_out_ends_connections_though_no_list_can_be_read(
    door: Door,
) -> None:
    peer = door.comes()
    assert peer is not None
    following = MemoryAuthority(door.now_ms, "the following authority")
    door.put(door.files.authorities, following.certificate().public_bytes(PEM))
    door.files.revocations.unlink()
    door.keeper.reload()
    assert not door.keeper.stands(peer)


def test_a_file_of_authorities_that_cannot_be_read_closes_the_door(door: Door) -> None:
    door.put(door.files.authorities, b"nothing")
    door.keeper.reload()
    assert door.keeper.faults == {Fault.AUTHORITIES}
    assert door.comes() is None


def test_a_device_is_no_authority(door: Door) -> None:
    """Somebody puts a device's certificate among the authorities: nothing it signs is believed."""
    mine = door.authority.certificate().public_bytes(PEM)
    door.put(door.files.authorities, mine + door.client.certificate.public_bytes(PEM))
    door.keeper.reload()
    assert door.keeper.faults == {Fault.AUTHORITIES}


def test_files_are_read_again_only_if_they_changed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    plain = Path.open

    def counted(file: Path, mode: str = "r") -> object:
        read.append(file)
        return plain(file, mode)

    monkeypatch.setattr(Path, "open", counted)
    door.keeper.reload()
    assert read == []
    door.put(door.files.revocations, list_of(door.authority, door.now_ms))
    read.clear()
    door.keeper.reload()
    assert read == [door.files.authorities, door.files.revocations]


async def test_a_process_renews_without_a_read_on_its_loop(door: Door) -> None:
    serial = door.client.certificate.serial_number
    content = list_of(door.authority, door.now_ms, serial)
    descriptor = os.open(door.files.revocations, os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, content)
    os.close(descriptor)
    await door.keeper.renew()
    assert not door.keeper.stands(
        Peer(DEVICE, serial, next(iter(door.keeper._lists)), door.now_ms + DAY_MS)
    )
