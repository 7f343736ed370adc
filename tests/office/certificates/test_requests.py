from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from office.certificates.requests import REQUEST_BYTES_MAX, checked_request
from office.errors import OfficeError
from tests.support.certificates import request_of

P256 = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize(
    "key", [P256, ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()]
)
def test_a_strong_key_is_taken_in_either_form(encoding: Encoding, key: object) -> None:
    asked = request_of(key)
    assert checked_request(asked.public_bytes(encoding)).public_key() == asked.public_key()


@pytest.mark.parametrize(
    "key",
    [
        lambda: rsa.generate_private_key(65_537, 2_048),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=["RSA 2048", "P-521", "secp256k1"],
)
def test_other_keys_are_refused(key: Callable[[], object]) -> None:
    with pytest.raises(OfficeError, match="P-256"):
        checked_request(request_of(key()).public_bytes(Encoding.PEM))


def test_who_does_not_have_the_key_gets_no_certificate_for_it() -> None:
    der = bytearray(request_of(P256).public_bytes(Encoding.DER))
    # The common name, which is signed.
    at = der.index(b"somebody")
    der[at] ^= 1
    with pytest.raises(OfficeError, match="not signed"):
        checked_request(bytes(der))


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE REQUEST-----\n", b"x" * 20_000]
)
def test_what_is_no_request_is_refused_without_a_quote(content: bytes) -> None:
    with pytest.raises(OfficeError, match="no certificate signing request"):
        checked_request(content)


def test_a_long_request_is_not_even_read() -> None:
    padded = request_of(P256).public_bytes(Encoding.PEM) + b"\n" * REQUEST_BYTES_MAX
    with pytest.raises(OfficeError):
        checked_request(padded)
