"""A doorkeeper in memory, under the contract of the one over files; for tests of doors."""

import ssl
from collections.abc import Callable
from dataclasses import replace

from ingest.gateway.ports import Peer


class MemoryDoorkeeper:
    """Obeys ``Doorkeeper``: knows whom it was told, by the certificate's bytes.

    ``context`` belongs to a test that opens connections; a door that is given peers needs none.
    """

    def __init__(self, context: ssl.SSLContext, now_ms: Callable[[], int]) -> None:
        self._context = context
        self._now_ms = now_ms
        self._known: dict[bytes, Peer] = {}
        self._revoked: set[int] = set()
        self.open = True
        """False: the list of revoked certificates cannot be read, so nobody new comes in."""

    def admit(self, certificate: bytes, peer: Peer, not_after_ms: int) -> None:
        """Know this certificate (DER) as the peer's."""
        self._known[certificate] = replace(peer, not_after_ms=not_after_ms)

    def revoke(self, serial: int) -> None:
        """From now on that certificate is good for nothing."""
        self._revoked.add(serial)

    def context(self) -> ssl.SSLContext:
        """The context that it was given."""
        return self._context

    def peer_of(self, connection: ssl.SSLObject) -> Peer | None:
        """Whose connection it is; None if it was told nothing of that certificate."""
        der = connection.getpeercert(binary_form=True)
        peer = self._known.get(der) if der is not None and self.open else None
        return peer if peer is not None and self.stands(peer) else None

    def stands(self, peer: Peer) -> bool:
        """Whether the certificate is neither revoked nor over."""
        over = peer.not_after_ms is None or self._now_ms() >= peer.not_after_ms
        return not over and peer.serial not in self._revoked
