"""A listener serves the certificate that lies in its file now, or the last that could be used."""

import ssl
from pathlib import Path

import pytest

from roadfade.processes.gateway.own_certificate import OwnCertificate
from tests.support.gateway_door import Authority


def served(own: OwnCertificate) -> bytes | None:
    """The certificate that a client is shown."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    inner = client.wrap_bio(to_client, to_server)
    outer = own.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (inner, outer):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return inner.getpeercert(binary_form=True)


def test_a_new_certificate_is_served_from_the_next_connection_on(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    file = tmp_path / "own.pem"
    file.write_bytes(authority.of_gateway().read_bytes())
    own = OwnCertificate(file, None)
    before = served(own)
    assert before is not None
    file.write_bytes(b"half a certificate")
    own.renew()
    assert served(own) == before
    file.write_bytes(authority.of_gateway().read_bytes())
    own.renew()
    assert served(own) not in (None, before)


def test_without_a_certificate_there_is_no_listener(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        OwnCertificate(tmp_path / "none", None)
