"""The port to whoever signs: certificates, and the list of those that are revoked.

An authority in a file, a command of the operator's and one in memory obey it; what each hands
back is checked by ``issued`` and ``listed``, so none has to be trusted to do as it was told.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from office.certificates.wanted import Wanted, require_as_wanted
from office.errors import OfficeError
from telemetry.instants import to_datetime

LISTED_MAX: Final = 50_000
"""Entries of one list: some 2 MB, which each gateway reads whenever it changes."""


class Revoked(NamedTuple):
    """A certificate that is good for nothing any more."""

    serial: int
    revoked_ms: int


class ListWanted(NamedTuple):
    """What a list of revoked certificates is to say."""

    revoked: Sequence[Revoked]
    number: int
    """Higher than that of any list before."""
    from_ms: int
    to_ms: int
    """By then another list has to be there."""


class Authority(Protocol):
    """Signs for one certificate of an authority. Calls block, and raise OfficeError."""

    def certificate(self) -> x509.Certificate:
        """The authority's own, by which everybody checks what it signed."""
        ...

    def sign(self, request: x509.CertificateSigningRequest, wanted: Wanted) -> x509.Certificate:
        """A certificate for the request's key."""
        ...

    def revocations(self, wanted: ListWanted) -> x509.CertificateRevocationList:
        """A list of what is revoked."""
        ...


def issued(
    authority: Authority, request: x509.CertificateSigningRequest, wanted: Wanted
) -> x509.Certificate:
    """A certificate just as wanted; OfficeError if the authority makes another, or none."""
    certificate = authority.sign(request, wanted)
    require_as_wanted(certificate, request, wanted, authority.certificate())
    return certificate


def listed(authority: Authority, wanted: ListWanted) -> x509.CertificateRevocationList:
    """A list just as wanted; OfficeError if it lacks an entry, a signature, or its time."""
    if len(wanted.revoked) > LISTED_MAX:
        msg = f"more than {LISTED_MAX:,} certificates are revoked: begin a new authority"
        raise OfficeError(msg)
    made = authority.revocations(wanted)
    said = {entry.serial_number for entry in made}
    second = timedelta(seconds=1)
    next_update = made.next_update_utc
    for fault, holds in (
        ("is signed by another", signed_list(made, authority.certificate())),
        ("lacks a certificate", said >= {one.serial for one in wanted.revoked}),
        ("begins later than now", made.last_update_utc <= to_datetime(wanted.from_ms) + second),
        (
            "holds for another time",
            next_update is not None
            and to_datetime(wanted.from_ms) < next_update <= to_datetime(wanted.to_ms) + second,
        ),
    ):
        if not holds:
            msg = (
                f"the list of revoked certificates that the authority made {fault}: it is not "
                "written, and the one before stays; mend the program that signs"
            )
            raise OfficeError(msg)
    return made


def signed_list(made: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    """Whether the list is this authority's."""
    key = authority.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return False
    return made.issuer == authority.subject and made.is_signature_valid(key)
