"""How a client gets in: what it shows, that nothing shows a password, and that files are renewed."""

import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bus.client.address import Address
from bus.client.connection import Connection
from bus.client.security import Security
from roadfade.local.certificates import BrokerCertificates, make_certificates

NOW = datetime.now(UTC)


def made(folder: Path) -> BrokerCertificates:
    folder.mkdir()
    return make_certificates(folder, NOW)


@contextmanager
def listener(certificates: BrokerCertificates, *, asks: Path | None = None) -> Iterator[str]:
    """A TLS server that shakes hands with everybody; ``asks``: whose certificates it demands."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Within the handshake: under 1.3 a client learns only later that it was refused.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificates.broker)
    if asks is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(asks)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(link, server_side=True).close()
                except OSError:
                    link.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_plain_client_says_nothing_of_security() -> None:
    assert not {one for one in Connection("h:1").client_options() if one.startswith(("s", "sasl"))}


def test_user_and_password_are_given_to_both_clients_and_shown_by_neither(tmp_path: Path) -> None:
    authority = made(tmp_path / "a").authority
    security = Security("sasl_ssl", "somebody", "hidden", authority)
    options = Connection("h:1", security=security).client_options()
    assert (options["security_protocol"], options["sasl_mechanism"]) == (
        "SASL_SSL",
        "SCRAM-SHA-512",
    )
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == (
        "somebody",
        "hidden",
    )
    other = security.as_librdkafka()
    assert (other["sasl.mechanisms"], other["sasl.password"]) == ("SCRAM-SHA-512", "hidden")
    assert other["ssl.ca.location"] == str(authority)
    assert "hidden" not in repr(Connection("h:1", security=security))


def test_every_client_of_one_door_has_the_same_context(tmp_path: Path) -> None:
    authority = made(tmp_path / "a").authority
    first, second = (Security("ssl", ca_file=authority).context() for _ in range(2))
    assert first is second


def test_an_authority_that_is_replaced_counts_from_the_next_connection_on(tmp_path: Path) -> None:
    right, wrong = made(tmp_path / "right"), made(tmp_path / "wrong")
    trusted = Path(shutil.copy(wrong.authority, tmp_path / "trusted.pem"))
    with listener(right) as servers:
        address = Address(servers, security=Security("ssl", ca_file=trusted))
        assert address.why_no_tls() is not None
        shutil.copy(right.authority, trusted)
        assert address.why_no_tls() is None
        shutil.copy(wrong.authority, trusted)
        assert address.why_no_tls() is not None, "one that left the file is believed no more"


def test_a_certificate_that_is_replaced_counts_from_the_next_connection_on(tmp_path: Path) -> None:
    server, old, new = made(tmp_path / "s"), made(tmp_path / "o"), made(tmp_path / "n")
    own = Path(shutil.copy(old.broker, tmp_path / "own.pem"))
    security = Security("ssl", ca_file=server.authority, certificate_file=own, key_file=own)
    with listener(server, asks=new.authority) as servers:
        address = Address(servers, security=security)
        assert address.why_no_tls() is not None
        shutil.copy(new.broker, own)
        assert address.why_no_tls() is None


def test_files_that_do_not_fit_leave_the_former_ones_in_force(tmp_path: Path) -> None:
    server = made(tmp_path / "s")
    trusted = Path(shutil.copy(server.authority, tmp_path / "trusted.pem"))
    with listener(server) as servers:
        address = Address(servers, security=Security("ssl", ca_file=trusted))
        assert address.why_no_tls() is None
        trusted.write_text("half of a fi")
        assert address.why_no_tls() is None
        shutil.copy(made(tmp_path / "other").authority, trusted)
        assert address.why_no_tls() is not None


def test_a_missing_file_is_an_error_and_no_plain_connection(tmp_path: Path) -> None:
    security = Security("sasl_ssl", "somebody", "hidden", tmp_path / "none.pem")
    with pytest.raises(FileNotFoundError):
        Connection("h:1", security=security).client_options()
