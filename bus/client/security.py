"""How a client gets through a broker's door: TLS, and a user with a password or a certificate.

In: names of files, and a password that is shown nowhere. Out: what Kafka's clients are opened
with. Files that are replaced count from the next connection on, without a restart.
"""

import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Self

Protocol = Literal["plaintext", "ssl", "sasl_ssl"]
MECHANISM: Final = "SCRAM-SHA-512"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Security:
    """What every client of one process shows at the door, and by what it knows the broker."""

    protocol: Protocol = "plaintext"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """Whose certificates the broker may have; None: whom this machine trusts."""
    certificate_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> "RenewedContext":
        """The one context of these files in this process; OSError or SSLError if one is unfit."""
        return _context(self.ca_file, self.certificate_file, self.key_file)

    def options(self) -> dict[str, Any]:
        """In the words of aiokafka; as ``context`` if a file is unfit."""
        if self.protocol == "plaintext":
            return {}
        found = {"security_protocol": self.protocol.upper(), "ssl_context": self.context()}
        if self.protocol == "ssl":
            return found
        return found | {
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }

    def as_librdkafka(self) -> dict[str, str]:
        """In the words of librdkafka, whose clients live for one command."""
        if self.protocol == "plaintext":
            return {}
        named = {
            "security.protocol": self.protocol.upper(),
            "ssl.ca.location": self.ca_file,
            "ssl.certificate.location": self.certificate_file,
            "ssl.key.location": self.key_file,
        }
        if self.protocol == "sasl_ssl":
            named |= {
                "sasl.mechanisms": MECHANISM,
                "sasl.username": self.user,
                "sasl.password": self.password,
            }
        return {name: str(value) for name, value in named.items() if value is not None}


PLAIN: Final = Security()


class RenewedContext(ssl.SSLContext):
    """A client's context that is made anew when a file has changed, at the next connection.

    Anew, and not loaded once more: a context only gains authorities, and one that is no longer
    in its file must not be believed. Files that do not fit together, as between the replacing
    of a certificate and that of its key, are looked at again at the connection after.
    """

    _files: tuple[Path | None, Path | None, Path | None]
    _current: ssl.SSLContext
    _seen: Mapping[Path, tuple[int, int, int]]

    def __new__(cls, *files: Path | None) -> Self:
        """Of an authority, a certificate and a key."""
        del files
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, ca: Path | None, certificate: Path | None, key: Path | None) -> None:
        self._files = (ca, certificate, key)
        self._seen = self._look()
        self._current = self._made()

    def wrap_bio(self, *buffers: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection, with the files as they are now."""
        self.renew()
        return self._current.wrap_bio(*buffers, **options)

    def shake_hands(self, link: socket.socket, host: str) -> None:
        """Open TLS over a connection and close it again; SSLError if it fails. Blocks."""
        self.renew()
        self._current.wrap_socket(link, server_hostname=host).close()

    def renew(self) -> None:
        """Take over files that have changed; those that are unfit are not, and it is said."""
        # Three looks at a file and, seldom, the reading of three: before a connection, not in one.
        try:
            seen = self._look()
            if seen != self._seen:
                self._current = self._made()
                self._seen = seen
        except OSError as error:  # SSLError is one
            kind = type(error).__name__
            logger.warning("the broker's TLS files cannot be used, the former hold: %s", kind)

    def _look(self) -> dict[Path, tuple[int, int, int]]:
        found = {}
        for file in filter(None, self._files):
            stat = file.stat()
            found[file] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        return found

    def _made(self) -> ssl.SSLContext:
        ca, certificate, key = self._files
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            # Without a password: one that is asked for at a terminal would hang a process.
            context.load_cert_chain(certificate, key, password="")
        return context


@cache
def _context(ca: Path | None, certificate: Path | None, key: Path | None) -> RenewedContext:
    return RenewedContext(ca, certificate, key)
