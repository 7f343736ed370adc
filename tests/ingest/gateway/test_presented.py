"""What a certificate says, judged without TLS, which refuses most of these before."""

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ingest.gateway.certificate_files import Authorities
from ingest.gateway.presented import presented_by
from office.certificates.memory import MemoryAuthority
from office.certificates.wanted import Use
from telemetry.device_names import name_of
from telemetry.instants import to_datetime
from tests.support.certificates import DAY_MS, DEVICE, PEM, device, named

NOW_MS = 1_790_000_000_000
OURS = MemoryAuthority(NOW_MS)
THEIRS = MemoryAuthority(NOW_MS)
NAMES = [x509.UniformResourceIdentifier(name_of(DEVICE))]
KNOWN = Authorities(
    {OURS.certificate().fingerprint(hashes.SHA256()): OURS.certificate()},
    OURS.certificate().public_bytes(PEM).decode(),
)


def test_a_device_is_known_with_its_authority_and_its_end() -> None:
    client = device(OURS, NOW_MS)
    peer = presented_by(client.der, KNOWN, NOW_MS)
    assert peer is not None
    assert (peer.device, peer.serial) == (DEVICE, client.certificate.serial_number)
    assert (peer.issuer, peer.not_after_ms) == (
        next(iter(KNOWN.certificates)),
        NOW_MS + 90 * DAY_MS,
    )


def _both_uses() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    subject = OURS.certificate().subject
    made = (
        x509.CertificateBuilder(subject, x509.Name([]), key.public_key(), 7)
        .not_valid_before(to_datetime(NOW_MS - DAY_MS))
        .not_valid_after(to_datetime(NOW_MS + DAY_MS))
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    )
    return made.sign(OURS.key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "made",
    [
        lambda: named(OURS, NOW_MS, NAMES, Use.SERVER).der,
        _both_uses,
        lambda: device(THEIRS, NOW_MS).der,
        lambda: device(OURS, NOW_MS - 91 * DAY_MS).der,
        lambda: device(OURS, NOW_MS + DAY_MS).der,
        lambda: OURS.certificate().public_bytes(Encoding.DER),
        lambda: b"",
    ],
    ids=["server", "both uses", "same names", "expired", "not yet", "authority", "nothing"],
)
def test_what_is_no_devices_certificate_of_ours_is_nobodys(made: Callable[[], bytes]) -> None:
    assert presented_by(made(), KNOWN, NOW_MS) is None
