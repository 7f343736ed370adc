"""By what a door knows a device: its connection's certificate, or a token with each request.

In: a connection, or what a request says of its authority. Out: the peer, or None: then nothing
is taken.
"""

import asyncio
import ssl
from typing import Final, Protocol

from ingest.gateway.ports import Doorkeeper, Peer

BEARER: Final = "Bearer "


class Identity(Protocol):
    """How one listener knows who comes."""

    def context(self) -> ssl.SSLContext:
        """Of its listener."""

    def of_connection(self, transport: asyncio.BaseTransport) -> Peer | None:
        """Whose connection it is, as it begins."""

    def of_request(self, connected: Peer | None, authorization: str | None) -> Peer | None:
        """Whose request it is, now."""

    def stands(self, connected: Peer | None) -> bool:
        """Whether the connection may live on."""


class Tokens(Protocol):
    """Knows bearer tokens."""

    def peer_of(self, token: str) -> Peer | None:
        """Whose token it is; None if it is not good now."""


class ByCertificate:
    """A client certificate is the identity; no header counts."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    def context(self) -> ssl.SSLContext:
        """The doorkeeper's: nobody without a certificate gets a connection."""
        return self._doorkeeper.context()

    def of_connection(self, transport: asyncio.BaseTransport) -> Peer | None:
        """By the certificate; None also for a connection that is not encrypted."""
        connection = transport.get_extra_info("ssl_object")
        return None if connection is None else self._doorkeeper.peer_of(connection)

    def of_request(self, connected: Peer | None, authorization: str | None) -> Peer | None:
        """The connection's, if its certificate still stands."""
        del authorization
        return connected if self.stands(connected) else None

    def stands(self, connected: Peer | None) -> bool:
        """Whether the certificate is still good."""
        return connected is not None and self._doorkeeper.stands(connected)


class ByToken:
    """A token with each request; a listener of its own, for clients without a certificate."""

    def __init__(self, context: ssl.SSLContext, tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens

    def context(self) -> ssl.SSLContext:
        """Of a server that asks for no certificate."""
        return self._context

    def of_connection(self, transport: asyncio.BaseTransport) -> Peer | None:
        """Nobody yet."""
        del transport
        return None

    def of_request(self, connected: Peer | None, authorization: str | None) -> Peer | None:
        """The token's."""
        del connected
        if authorization is None or not authorization.startswith(BEARER):
            return None
        return self._tokens.peer_of(authorization.removeprefix(BEARER))

    def stands(self, connected: Peer | None) -> bool:
        """A connection is nobody's; each request is asked for its token."""
        del connected
        return True
