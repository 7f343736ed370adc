"""What a certificate is to say, and whether one that came back says just that. Pure.

In: a request, what is wanted, the authority's certificate. Out: nothing, or OfficeError: what a
signer hands back is believed in no point, be it our own or a command.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from office.errors import OfficeError
from telemetry.device_names import name_of
from telemetry.identity import DeviceId
from telemetry.instants import HOUR_MS, to_datetime

SERIAL_BITS_MAX: Final = 160
BACK_MS: Final = HOUR_MS
"""So long before now a certificate begins: clocks of devices are slow."""


class Use(StrEnum):
    """What a certificate is good for: never for both."""

    DEVICE = "device"
    SERVER = "server"

    @property
    def oid(self) -> x509.ObjectIdentifier:
        """The one extended key usage that it has."""
        if self is Use.DEVICE:
            return ExtendedKeyUsageOID.CLIENT_AUTH
        return ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be signed. Names are the office's, never the request's."""

    use: Use
    names: Sequence[x509.GeneralName] = field(repr=False)
    from_ms: int
    to_ms: int


def for_device(device: DeviceId, now_ms: int, life_ms: int) -> Wanted:
    """A certificate by which this device comes in."""
    names = [x509.UniformResourceIdentifier(name_of(device))]
    return Wanted(Use.DEVICE, names, now_ms - BACK_MS, now_ms + life_ms)


def for_server(hosts: Sequence[str], now_ms: int, life_ms: int) -> Wanted:
    """A certificate for a gateway under these host names and addresses; OfficeError if none is."""
    return Wanted(Use.SERVER, [_host(one) for one in hosts], now_ms - BACK_MS, now_ms + life_ms)


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        labels = text.removeprefix("*.").split(".")
        if all(label.isascii() and label.replace("-", "").isalnum() for label in labels):
            return x509.DNSName(text)
    except ValueError:
        pass
    msg = "a server's name is a host name of plain letters (IDNA), or an IP address"
    raise OfficeError(msg)


def require_as_wanted(
    certificate: x509.Certificate,
    request: x509.CertificateSigningRequest,
    wanted: Wanted,
    authority: x509.Certificate,
) -> None:
    """OfficeError if what was signed is not what was asked for, or not by this authority."""
    for claim, holds in (
        ("another's key", _key(certificate) == _key(request)),
        ("another signature than the authority's", _signed_by(certificate, authority)),
        ("other names", _names(certificate) == list(wanted.names)),
        ("another use", _uses(certificate) == [wanted.use.oid]),
        ("the right to sign others", not _may_sign(certificate)),
        ("another time", _in_time(certificate, wanted, authority)),
        ("no sound serial number", 0 < certificate.serial_number < 1 << SERIAL_BITS_MAX),
    ):
        if not holds:
            msg = (
                f"what the authority signed has {claim}: it is not handed out; mend the program "
                "that signs, or the certificate of the authority that is named"
            )
            raise OfficeError(msg)


def _key(of: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return list(found.value)


def _uses(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
    except (x509.DuplicateExtension, ValueError):
        return True


def _in_time(certificate: x509.Certificate, wanted: Wanted, authority: x509.Certificate) -> bool:
    """It holds from now on, and no longer than asked; a signer may give less."""
    asked = to_datetime(wanted.from_ms + BACK_MS)
    to = min(to_datetime(wanted.to_ms), authority.not_valid_after_utc) + timedelta(seconds=1)
    # A command takes its own clock's now, a little later than ours was read.
    begun = certificate.not_valid_before_utc <= asked + timedelta(minutes=1)
    return begun and asked < certificate.not_valid_after_utc <= to
