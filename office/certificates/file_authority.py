"""An authority of our own: a certificate and its key, in two files of one folder.

In: a folder, perhaps a password. Out: what it signs. Whoever has ``ca.key`` can be every device.
"""

import os
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from office.certificates import forms
from office.certificates.authority import ListWanted
from office.certificates.wanted import Wanted
from office.errors import OfficeError
from office.keyring.private_lines import OTHERS
from office.whole_files import PRIVATE, PUBLIC, make_file
from telemetry.identity import MASK
from telemetry.instants import DAY_MS

CERTIFICATE: Final = "ca.pem"
KEY: Final = "ca.key"
CALLED: Final = "Roadfade devices"
LIFE_MS: Final = 3_650 * DAY_MS
BYTES_MAX: Final = 65_536
PEM: Final = serialization.Encoding.PEM


class FileAuthority:
    """Obeys ``Authority``."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    def __repr__(self) -> str:
        return f"FileAuthority({MASK})"

    @classmethod
    def opened(cls, folder: Path, password: str | None = None) -> Self:
        """The authority in this folder; OfficeError if there is none, or others read its key."""
        try:
            certificate = read_certificate(folder / CERTIFICATE)
            return cls(certificate, _read_key(folder / KEY, password, certificate))
        except OSError as error:
            msg = (
                f"there is no authority for devices in {folder} ({error.strerror}): make one "
                "(roadfade device ca init), or name its folder (ROADFADE_DEVICE_CA_DIR)"
            )
            raise OfficeError(msg) from None

    def certificate(self) -> x509.Certificate:
        """The authority's own."""
        return self._certificate

    def sign(self, request: x509.CertificateSigningRequest, wanted: Wanted) -> x509.Certificate:
        """A certificate for the request's key."""
        return forms.certificate(self._key, self._certificate, request, wanted)

    def revocations(self, wanted: ListWanted) -> x509.CertificateRevocationList:
        """A list of what is revoked."""
        return forms.revocation_list(self._key, self._certificate, wanted)


def make_authority(folder: Path, password: str | None, now_ms: int) -> bool:
    """An authority in this folder; False, and nothing is changed, if there is one.

    The key is written first, and a key without its certificate is given one: a crash between the
    two leaves nothing that has to be mended by hand.
    """
    try:
        if (folder / CERTIFICATE).exists():
            return False
        if not (folder / KEY).exists():
            make_file(
                folder / KEY, _sealed(ec.generate_private_key(forms.CURVE()), password), PRIVATE
            )
        key = _read_key(folder / KEY, password, None)
        made = forms.authority_certificate(key, CALLED, now_ms, LIFE_MS)
        return make_file(folder / CERTIFICATE, made.public_bytes(PEM), PUBLIC)
    except OSError as error:
        msg = f"no authority can be made in {folder}: {error.strerror}"
        raise OfficeError(msg) from None


def read_certificate(file: Path) -> x509.Certificate:
    """The certificate of an authority in a file; OSError if there is none, OfficeError if bad."""
    try:
        return x509.load_pem_x509_certificate(_content(file))
    except ValueError:
        msg = f"{file} holds no certificate in PEM: put the authority's back"
        raise OfficeError(msg) from None


def _read_key(
    file: Path, password: str | None, certificate: x509.Certificate | None
) -> ec.EllipticCurvePrivateKey:
    if file.stat().st_mode & OTHERS:
        msg = f"{file}: others may read the authority's key; chmod 600 it"
        raise OfficeError(msg)
    try:
        key = serialization.load_pem_private_key(
            _content(file), None if password is None else password.encode()
        )
    except (ValueError, TypeError):
        msg = (
            f"the authority's key in {file} cannot be read: give its password "
            "(ROADFADE_DEVICE_CA_PASSWORD) if it has one, and none if not"
        )
        raise OfficeError(msg) from None
    theirs = certificate is None or key.public_key() == certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not theirs:
        msg = f"{file} is not the EC key of the certificate beside it: put both back from one copy"
        raise OfficeError(msg)
    return key


def _sealed(key: ec.EllipticCurvePrivateKey, password: str | None) -> bytes:
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        how = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how)


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return os.read(opened.fileno(), BYTES_MAX)
