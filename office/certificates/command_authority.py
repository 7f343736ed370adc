"""An authority behind a command of the operator's: a key store, a smart card, a company's own CA.

In: the command's words, the authority's certificate. ``COMMAND sign`` reads a request (DER) and
prints a certificate (PEM); ``COMMAND revoked`` reads lines ``SERIAL INSTANT``, prints a list (PEM).
What is wanted stands in its environment, not in its words, which every user of the machine sees.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from office.certificates.authority import ListWanted
from office.certificates.wanted import Wanted
from office.errors import OfficeError
from office.operators_command import OperatorsCommand
from telemetry.identity import MASK
from telemetry.instants import format_instant

ANSWER_S_MAX: Final = 20.0
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
CALLED: Final = "the command that signs for devices"


class CommandAuthority:
    """Obeys ``Authority``; ``command`` is the program and its first words."""

    def __init__(
        self,
        command: Sequence[str],
        certificate: x509.Certificate,
        answer_s_max: float = ANSWER_S_MAX,
    ) -> None:
        self._command = OperatorsCommand(
            CALLED, "device_ca_command", tuple(command), answer_s_max, ANSWER_BYTES_MAX
        )
        self._certificate = certificate

    def __repr__(self) -> str:
        return f"CommandAuthority({MASK})"

    def certificate(self) -> x509.Certificate:
        """The authority's own, as the settings name it."""
        return self._certificate

    def sign(self, request: x509.CertificateSigningRequest, wanted: Wanted) -> x509.Certificate:
        """What the command makes of the request."""
        told = {
            "ROADFADE_CERTIFICATE_FOR": wanted.use.value,
            "ROADFADE_CERTIFICATE_NAMES": ",".join(map(_name, wanted.names)),
            "ROADFADE_CERTIFICATE_FROM": format_instant(wanted.from_ms),
            "ROADFADE_CERTIFICATE_TO": format_instant(wanted.to_ms),
        }
        try:
            return x509.load_pem_x509_certificate(
                self._command.run("sign", brought=request.public_bytes(Encoding.DER), told=told)
            )
        except ValueError:
            msg = f"{CALLED} printed no certificate in PEM after `sign`"
            raise OfficeError(msg) from None

    def revocations(self, wanted: ListWanted) -> x509.CertificateRevocationList:
        """The list that the command makes."""
        told = {
            "ROADFADE_LIST_NUMBER": str(wanted.number),
            "ROADFADE_LIST_FROM": format_instant(wanted.from_ms),
            "ROADFADE_LIST_TO": format_instant(wanted.to_ms),
        }
        lines = (f"{one.serial:x} {format_instant(one.revoked_ms)}\n" for one in wanted.revoked)
        brought = "".join(lines).encode()
        try:
            return x509.load_pem_x509_crl(self._command.run("revoked", brought=brought, told=told))
        except ValueError:
            msg = f"{CALLED} printed no list in PEM after `revoked`"
            raise OfficeError(msg) from None


def _name(name: x509.GeneralName) -> str:
    """As OpenSSL writes an alternative name."""
    match name:
        case x509.UniformResourceIdentifier():
            return f"URI:{name.value}"
        case x509.DNSName():
            return f"DNS:{name.value}"
        case x509.IPAddress():
            return f"IP:{name.value}"
        case _:
            msg = "a certificate has a name of a kind that no command is told"
            raise OfficeError(msg)
