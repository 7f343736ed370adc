"""Certificates and lists as our own authority writes them (RFC 5280). Pure but for serial numbers.

An authority's certificate signs devices, servers and lists, and no other authority (path length 0).
A device's has an empty subject: its one name is the alternative name, which nobody else reads.
"""

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from office.certificates.authority import ListWanted
from office.certificates.wanted import BACK_MS, Use, Wanted
from telemetry.instants import to_datetime

CURVE: Final = ec.SECP256R1
ENDS: Final = x509.BasicConstraints(ca=False, path_length=None)
SIGNS: Final = x509.BasicConstraints(ca=True, path_length=0)


def authority_certificate(
    key: ec.EllipticCurvePrivateKey, called: str, now_ms: int, life_ms: int
) -> x509.Certificate:
    """A certificate that an authority gives to itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(to_datetime(now_ms - BACK_MS))
        .not_valid_after(to_datetime(now_ms + life_ms))
        .add_extension(SIGNS, critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return made.sign(key, hashes.SHA256())


def certificate(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    request: x509.CertificateSigningRequest,
    wanted: Wanted,
) -> x509.Certificate:
    """A certificate of a device or a server, which does not outlive its authority."""
    to = min(to_datetime(wanted.to_ms), authority.not_valid_after_utc)
    public = request.public_key()
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    made = (
        x509.CertificateBuilder()
        .issuer_name(authority.subject)
        .subject_name(x509.Name([]))
        .public_key(public)
        # 159 random bits.
        .serial_number(x509.random_serial_number())
        .not_valid_before(to_datetime(wanted.from_ms))
        .not_valid_after(to)
        # Critical, since the subject is empty.
        .add_extension(x509.SubjectAlternativeName(wanted.names), critical=True)
        .add_extension(ENDS, critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([wanted.use.oid]), critical=wanted.use is Use.DEVICE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(by, critical=False)
    )
    return made.sign(key, hashes.SHA256())


def revocation_list(
    key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, wanted: ListWanted
) -> x509.CertificateRevocationList:
    """The list of what is revoked. It gives no reasons: each gateway can read it."""
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(to_datetime(wanted.from_ms))
        .next_update(to_datetime(wanted.to_ms))
        .add_extension(x509.CRLNumber(wanted.number), critical=False)
        .add_extension(by, critical=False)
    )
    for one in wanted.revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial)
        made = made.add_revoked_certificate(
            entry.revocation_date(to_datetime(one.revoked_ms)).build()
        )
    return made.sign(key, hashes.SHA256())


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
