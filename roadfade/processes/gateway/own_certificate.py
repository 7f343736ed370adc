"""The gateway's own certificate for a listener without a doorkeeper, renewed as its files change.

In: files in PEM. Out: a context. Files that do not fit together leave the former certificate in
force, and that is said once.
"""

import logging
import ssl
from pathlib import Path

from roadfade.processes.say_once import SayOnce

logger = logging.getLogger(__name__)


class OwnCertificate:
    """Blocks for as long as it reads one small file. OSError if there is none to begin with."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = [certificate] if key is None else [certificate, key]
        self._certificate, self._key = certificate, key
        self._say = SayOnce(logger)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._mark = self._marked()
        self.context.load_cert_chain(certificate, key)

    def renew(self) -> None:
        """Look whether they have changed."""
        try:
            mark = self._marked()
            if mark == self._mark:
                return
            self.context.load_cert_chain(self._certificate, self._key)
        except OSError:
            self._say("the gateway's certificate and key cannot be used, the ones before go on")
        else:
            self._mark = mark
            self._say.forget()

    def _marked(self) -> list[tuple[int, int]]:
        found = [file.stat() for file in self._files]
        return [(one.st_mtime_ns, one.st_size) for one in found]
