"""The files that a doorkeeper goes by, and what they say. Blocks: it reads them.

In: a server's certificate, the authorities whose devices come in, their lists of revoked ones. Out:
what was read, with a mark by which it is seen whether a file has changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from telemetry.instants import to_ms

BYTES_MAX: Final = 16 * 1024 * 1024
AUTHORITIES_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class DoorFiles:
    """Where they are."""

    server: Path
    """The gateway's own certificate, and in the same file its key, unless ``key`` names another."""
    authorities: Path
    """Certificates of authorities; several while devices go over from one to the next."""
    revocations: Path
    """A list of revoked certificates of each authority, in PEM."""
    key: Path | None = None


class Fault(StrEnum):
    """Why no device comes in, or what was not renewed. Closed: a label."""

    SERVER = "server certificate"
    """The new one cannot be used: the one before goes on."""
    AUTHORITIES = "authorities"
    """The file is missing or cannot be read: nobody new comes in."""
    LIST_MISSING = "list missing"
    LIST_UNREADABLE = "list unreadable"
    LIST_FOREIGN = "list foreign"
    """Signed by none of the authorities, or an authority has none."""
    LIST_EXPIRED = "list expired"
    """Its time is over: whoever renews it, the office, does not."""


@dataclass(frozen=True, slots=True)
class Revocations:
    """What one authority says is revoked."""

    serials: frozenset[int]
    from_ms: int
    to_ms: int
    """By then there has to be another list."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whose devices come in, by the SHA-256 of their certificates."""

    certificates: Mapping[bytes, x509.Certificate]
    pem: str


Mark = tuple[int, int, int] | None
"""Tells one state of a file from the next; None: there is no file."""


def mark_of(file: Path) -> Mark:
    """By its inode, size and time, as a rename or a write changes them."""
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def read_authorities(file: Path) -> Authorities | None:
    """What the file holds; None if it cannot be read, or holds none that may sign."""
    content = _content(file)
    if content is None:
        return None
    try:
        found = x509.load_pem_x509_certificates(content)
        text = content.decode("ascii")
        sound = all(_signs(one) for one in found) and len(found) <= AUTHORITIES_MAX
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    if not sound:
        return None
    return Authorities({one.fingerprint(hashes.SHA256()): one for one in found}, text)


def read_lists(file: Path, authorities: Authorities) -> dict[bytes, Revocations] | Fault:
    """The newest list of each authority, or why there is none for one of them."""
    if mark_of(file) is None:
        return Fault.LIST_MISSING
    content = _content(file)
    if content is None:
        return Fault.LIST_UNREADABLE
    try:
        lists = [x509.load_pem_x509_crl(one) for one in _parts(content)]
        found: dict[bytes, Revocations] = {}
        for one in sorted(lists, key=lambda each: each.last_update_utc):
            for name, authority in authorities.certificates.items():
                if _is_of(one, authority):
                    found[name] = _revocations(one)
    except ValueError:
        return Fault.LIST_UNREADABLE
    if not lists:
        return Fault.LIST_UNREADABLE
    return found or Fault.LIST_FOREIGN


def _signs(authority: x509.Certificate) -> bool:
    return authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def _is_of(one: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    key = authority.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return False
    return one.issuer == authority.subject and one.is_signature_valid(key)


def _revocations(one: x509.CertificateRevocationList) -> Revocations:
    if one.next_update_utc is None or any(each.critical for each in one.extensions):
        # A critical extension may say that the list is a part of another, or means others.
        msg = "a list without an end, or one that says something else than what is revoked"
        raise ValueError(msg)
    serials = frozenset(each.serial_number for each in one)
    return Revocations(serials, to_ms(one.last_update_utc), to_ms(one.next_update_utc))


def _content(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            content = opened.read(BYTES_MAX + 1)
    except OSError:
        return None
    return content if len(content) <= BYTES_MAX else None


def _parts(content: bytes) -> list[bytes]:
    """PEM blocks of a file, which the library reads one at a time."""
    begin = b"-----BEGIN X509 CRL-----"
    return [begin + one for one in content.split(begin)[1:]]
