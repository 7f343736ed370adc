"""What a certificate that a device presented says of it. Pure.

In: a certificate, the authorities. Out: whose it is, or None. TLS has checked the chain already;
it is checked again here because a listener's context forgets no authority that it ever knew.
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from ingest.gateway.certificate_files import Authorities
from ingest.gateway.ports import Peer
from telemetry.device_names import device_of
from telemetry.instants import to_ms

_ONLY_DEVICES: Final = [ExtendedKeyUsageOID.CLIENT_AUTH]


def presented_by(der: bytes, authorities: Authorities, now_ms: int) -> Peer | None:
    """The device that a certificate names, if one of the authorities signed it and it holds now."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        issuer = _issuer(certificate, authorities)
        name = _only_name(certificate)
        uses = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    from_ms = to_ms(certificate.not_valid_before_utc)
    to = to_ms(certificate.not_valid_after_utc)
    device = None if name is None else device_of(name)
    if device is None or issuer is None or uses != _ONLY_DEVICES or not from_ms <= now_ms < to:
        return None
    return Peer(device, certificate.serial_number, issuer, to)


def _issuer(certificate: x509.Certificate, authorities: Authorities) -> bytes | None:
    for name, authority in authorities.certificates.items():
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return name
    return None


def _only_name(certificate: x509.Certificate) -> str | None:
    """The one alternative name, if it is a URI: with two, two doors could read two devices."""
    names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    if len(names) != 1 or not isinstance(names[0], x509.UniformResourceIdentifier):
        return None
    return names[0].value
