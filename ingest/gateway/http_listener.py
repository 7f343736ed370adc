"""HTTPS connections: who they are of, how long they may take, and how many there may be.

In: a listener's identity and bounds. Out: requests for one handler. A client that sends its headers
slowly, or nothing, is cut off, and so is one whose certificate no longer stands, and one that has
as many connections as one client may have. What is no HTTP gets a problem document, like everything
else. Beside ``http`` the one place here that knows aiohttp.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, cast

from aiohttp import web

from ingest.gateway.identities import Identity
from ingest.gateway.ports import Peer, Refusal
from ingest.gateway.problems import PROBLEM_TYPE, SAID, Fault, problem
from telemetry.identity import DeviceId

HEADERS: Final = {"Server": "roadfade", "Cache-Control": "no-store"}
LINE_BYTES_MAX: Final = 4 * 1024
HEADER_BYTES_MAX: Final = 8 * 1024
HEADERS_MAX: Final = 64
BODY_BUFFER_BYTES: Final = 64 * 1024
LOOK_EVERY_S: Final = 1.0
OF_ONE_DEVICE_MAX: Final = 8
"""Connections of one device, by its certificate."""
OF_ONE_ADDRESS_MAX: Final = 32
"""Connections that are nobody's, from one address: at the door of tokens, all are."""
logger = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest, "Connection"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a listener puts up with."""

    connections_max: int
    idle_s: float
    """Until the headers of a request are whole: of the first, and of the next on a connection."""
    body_s: float
    """Until a body is whole."""
    handshake_s: float = 10.0
    opened_bytes_max: int = 64 * 1024 * 1024
    """Of bodies in hand, of all requests together; beyond that they are told to try again."""


def refusal(why: Fault | Refusal, headers: dict[str, str] | None = None, **more: object) -> Any:
    """The answer that refuses."""
    response = web.Response(
        body=problem(why, **more),
        status=SAID[why].status,
        content_type=PROBLEM_TYPE,
        headers=HEADERS | (headers or {}),
    )
    if why in CLOSES:
        response.force_close()
    return response


CLOSES: Final = frozenset(
    {Fault.BAD_REQUEST, Fault.UNKNOWN_IDENTITY, Fault.SLOW, Fault.DEFECT, Refusal.OVERSIZED}
)
"""After these nothing is read from the connection any more."""


class Connection(web.RequestHandler):
    """One connection, and whose it is."""

    __slots__ = ("at_work", "listener", "peer", "since_s", "whose")

    def __init__(self, listener: "Listener", server: web.Server, **more: Any) -> None:
        super().__init__(server, **more)
        self.listener = listener
        self.peer: Peer | None = None
        self.whose: DeviceId | bytes = b""
        self.since_s = 0.0
        self.at_work = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Whose it is, is asked once; one too many is cut off."""
        self.since_s = self.listener.now_s()
        self.peer = self.listener.identity.of_connection(transport)
        self.whose = _address_of(transport) if self.peer is None else self.peer.device
        super().connection_made(transport)
        if self.listener.too_many(self):
            self.cut()

    def cut(self) -> None:
        """End it, whatever the client does."""
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A problem document, in place of words that quote the request."""
        del message
        if request.writer.output_size > 0:
            raise ConnectionError
        if status < 500:  # noqa: PLR2004  # it is the client's
            return refusal(Fault.BAD_REQUEST)  # type: ignore[no-any-return]
        logger.error("a request failed: %s", type(exc).__name__)
        return refusal(Fault.DEFECT)  # type: ignore[no-any-return]


class _Server(web.Server):
    def __init__(self, listener: "Listener", handler: Handler, loop: Any) -> None:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            connection = cast("Connection", request.protocol)
            connection.at_work = True
            try:
                return await handler(request, connection)
            finally:
                connection.at_work = False
                connection.since_s = listener.now_s()

        super().__init__(handle, loop=loop)
        self._listener = listener

    def __call__(self) -> web.RequestHandler:
        return Connection(
            self._listener,
            self,
            loop=self._loop,
            keepalive_timeout=self._listener.bounds.idle_s,
            lingering_time=0.5,
            access_log=None,
            auto_decompress=False,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            max_headers=HEADERS_MAX,
            read_bufsize=BODY_BUFFER_BYTES,
        )


class Listener:
    """A listening socket and its connections."""

    def __init__(self, identity: Identity, bounds: Bounds, now_s: Callable[[], float]) -> None:
        self.identity = identity
        self.bounds = bounds
        self.now_s = now_s
        self._server: _Server | None = None
        self._socket: asyncio.Server | None = None

    @property
    def connections(self) -> list[Connection]:
        """Those that live."""
        return [] if self._server is None else self._server.connections  # type: ignore[return-value]

    def too_many(self, newest: Connection) -> bool:
        """Whether there are more now than may be, in all or of one client."""
        connections = self.connections
        of_one = sum(one.whose == newest.whose for one in connections)
        of_one_max = OF_ONE_ADDRESS_MAX if newest.peer is None else OF_ONE_DEVICE_MAX
        return len(connections) > self.bounds.connections_max or of_one > of_one_max

    async def start(self, handler: Handler, host: str, port: int) -> int:
        """Listen; the port, which 0 picks. OSError if it cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = _Server(self, handler, loop)
        self._socket = await loop.create_server(
            self._server,
            host,
            port,
            ssl=self.identity.context(),
            ssl_handshake_timeout=self.bounds.handshake_s,
        )
        return int(self._socket.sockets[0].getsockname()[1])

    def look(self) -> None:
        """Cut off who is too slow with its headers, and whose certificate stands no more."""
        now_s = self.now_s()
        for one in self.connections:
            slow = not one.at_work and now_s - one.since_s > self.bounds.idle_s
            if slow or not self.identity.stands(one.peer):
                one.cut()

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    async def stop(self, drain_s: float) -> None:
        """Take no more connections; requests in hand are finished, for no longer than this."""
        if self._socket is None or self._server is None:
            return
        self._socket.close()
        self._server.pre_shutdown()
        await self._server.shutdown(drain_s)
        await self._socket.wait_closed()
        self._socket = None


def _address_of(transport: asyncio.BaseTransport) -> bytes:
    """Where it comes from; of IPv6 the first half, for the second is the client's to choose."""
    said = transport.get_extra_info("peername")
    return b"" if not said else ip_address(said[0]).packed[:8]
