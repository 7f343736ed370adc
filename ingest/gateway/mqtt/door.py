"""The MQTT 5 door: listens with TLS, and serves each client whose certificate the doorkeeper knows.

A device has one connection: a later one takes its place. What one connection does ends no other.

In: a port, the front desk, the doorkeeper. Out: messages to the desk, counts to the observer.
"""

import asyncio
import secrets
from collections import Counter
from typing import Final

from moat.lib.mqtt import ReasonCode

from ingest.gateway.mqtt.connection import CHUNK_BYTES, CLOSING_S, Connection, Surroundings
from ingest.gateway.mqtt.held import Held
from ingest.gateway.mqtt.limits import MqttLimits
from ingest.gateway.mqtt.observer import MqttObserver
from ingest.gateway.mqtt.session import Session
from ingest.gateway.ports import Doorkeeper, FrontDesk, Peer
from telemetry.identity import DeviceId

TOO_MANY: Final = "too_many"
DRAIN_S: Final = 10.0
"""How long a stop waits for messages in hand, if nobody says otherwise."""
OF_ONE_DEVICE_MAX: Final = 4
"""Connections of one device: the one, its successor, and what has not ended yet."""
_BACKLOG: Final = 100


class MqttDoor:
    """Open between ``start`` and ``stop``. Port 0 is any free one; ``port`` says which."""

    def __init__(
        self,
        desk: FrontDesk,
        doorkeeper: Doorkeeper,
        host: str,
        port: int,
        *,
        limits: MqttLimits | None = None,
        observer: MqttObserver | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._limits = limits or MqttLimits()
        self._observer = observer or MqttObserver()
        self._around = Surroundings(
            desk, doorkeeper, self._limits, self._observer, Held(self._limits.held_bytes_max)
        )
        self._served: dict[asyncio.Task[None], Connection] = {}
        self._of_device: dict[DeviceId, Connection] = {}
        self._count: Counter[DeviceId] = Counter()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    async def start(self) -> None:
        """Listen. OSError: the port cannot be had."""
        self._server = await asyncio.start_server(
            self._serve,
            self._host,
            self._port,
            ssl=self._around.doorkeeper.context(),
            ssl_handshake_timeout=self._limits.connect_s,
            ssl_shutdown_timeout=CLOSING_S,
            limit=CHUNK_BYTES,
            backlog=_BACKLOG,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self, drain_s: float = DRAIN_S) -> None:
        """Let nobody in; take and acknowledge what is in hand; say goodbye. Once."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in self._served.values():
            connection.finish(ReasonCode.SERVER_SHUTTING_DOWN)
        if self._served:
            _, late = await asyncio.wait(self._served, timeout=drain_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = self._around.doorkeeper.peer_of(writer.get_extra_info("ssl_object"))
        device = peer.device if peer is not None else DeviceId("")
        if self._server is None or self._full(peer):
            self._observer.ended(TOO_MANY)
            writer.transport.abort()
            return
        connection = Connection(
            peer, self._session(peer), (reader, writer), self._around, self._opened
        )
        # A task of ours: asyncio's own reports it as an error if a stop ends it.
        task = asyncio.create_task(connection.run())
        self._served[task] = connection
        self._count[device] += 1
        self._observer.connections(len(self._served))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            del self._served[task]
            self._count[device] -= 1
            if not self._count[device]:
                del self._count[device]
            if self._of_device.get(device) is connection:
                del self._of_device[device]
            self._observer.connections(len(self._served))

    def _full(self, peer: Peer | None) -> bool:
        if len(self._served) >= self._limits.connections_max:
            return True
        return peer is not None and self._count[peer.device] >= OF_ONE_DEVICE_MAX

    def _session(self, peer: Peer | None) -> Session:
        assigned = secrets.token_hex(8)
        if peer is None:
            return Session(DeviceId(""), self._limits, assigned, ReasonCode.NOT_AUTHORIZED)
        return Session(peer.device, self._limits, assigned)

    def _opened(self, connection: Connection) -> None:
        if connection.peer is None:
            return
        before = self._of_device.get(connection.peer.device)
        self._of_device[connection.peer.device] = connection
        if before is not None:
            before.cut(ReasonCode.SESSION_TAKEN_OVER)
