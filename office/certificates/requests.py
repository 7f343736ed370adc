"""A certificate signing request (CSR) that somebody brings: its key is taken, its names are not.

In: PEM or DER. Out: the request, if whoever made it has the key, and the key is strong enough.
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from office.errors import OfficeError

REQUEST_BYTES_MAX: Final = 16_384
RSA_BITS_MIN: Final = 3_072
RSA_BITS_MAX: Final = 8_192
CURVES: Final = (ec.SECP256R1, ec.SECP384R1)
NONE: Final = "that is no certificate signing request in PEM or DER: make one with `openssl req`"
NOT_THEIRS: Final = "the request is not signed with the key it names: make it anew on the device"
WEAK: Final = (
    "a device's key is EC on P-256 or P-384, Ed25519, or RSA of at least 3,072 bits: make another"
)


def checked_request(content: bytes) -> x509.CertificateSigningRequest:
    """The request; OfficeError, which quotes nothing, if its key cannot be certified."""
    if len(content) > REQUEST_BYTES_MAX:
        raise OfficeError(NONE)
    pem = content.lstrip().startswith(b"-----BEGIN")
    read = x509.load_pem_x509_csr if pem else x509.load_der_x509_csr
    try:
        request = read(content)
        theirs = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OfficeError(NONE) from None
    if not theirs:
        raise OfficeError(NOT_THEIRS)
    if not _strong(key):
        raise OfficeError(WEAK)
    return request


def _strong(key: object) -> bool:
    match key:
        case ec.EllipticCurvePublicKey():
            return isinstance(key.curve, CURVES)
        case rsa.RSAPublicKey():
            return RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX
        case _:
            return isinstance(key, ed25519.Ed25519PublicKey)
