"""A throwaway authority for a broker on this machine: its own certificate, and the broker's.

In: a folder, and the time. Out: PEM files that their owner alone may read. The authority's key is
kept nowhere: what it did not sign at first, nobody can sign.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIVES: Final = timedelta(days=30)
_AUTHORITY: Final = "roadfade local broker authority"
_BROKER: Final = "roadfade local broker"


@dataclass(frozen=True, slots=True)
class BrokerCertificates:
    """Files: who is believed, and the broker's key with its certificate."""

    authority: Path
    broker: Path


def make_certificates(folder: Path, now: datetime) -> BrokerCertificates:
    """A new authority and a certificate of it for this machine's loopback address."""
    own_key, broker_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = (
        _begun(_AUTHORITY, _AUTHORITY, own_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(own_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    broker = (
        _begun(_BROKER, _AUTHORITY, broker_key.public_key(), now)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        # The broker is a client of itself, too.
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .sign(own_key, hashes.SHA256())
    )
    made = BrokerCertificates(folder / "authority.pem", folder / "broker.pem")
    as_pem = serialization.Encoding.PEM
    key = broker_key.private_bytes(
        as_pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(made.authority, authority.public_bytes(as_pem))
    write_secret(made.broker, key + broker.public_bytes(as_pem))
    return made


def write_secret(file: Path, content: bytes) -> None:
    """Write a file that nobody else may read, not even for a moment."""
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123  # a descriptor
        out.write(content)


def _begun(
    name: str, issuer: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIVES)
    )


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs, crl_sign=signs,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
