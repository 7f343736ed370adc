"""The doors of this gateway, as the settings have them: a list, so that others can stand beside.

A door listens, watches its connections, and ends when it is told. Each is asked in turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ingest.gateway.adapters.registry import ADAPTERS
from ingest.gateway.collection_lists import Lists
from ingest.gateway.front_desk import Desk
from ingest.gateway.http import HttpDoor
from ingest.gateway.http_listener import Bounds, Listener
from ingest.gateway.identities import ByCertificate, ByToken
from ingest.gateway.ports import Doorkeeper
from ingest.gateway.tokens import JwksTokens
from roadfade.processes.gateway.counted import CountedDesk
from roadfade.processes.gateway.mqtt_place import NAME as MQTT
from roadfade.processes.gateway.mqtt_place import MqttPlace
from roadfade.processes.gateway.own_certificate import OwnCertificate
from roadfade.refusal import NotReady
from roadfade.settings import Settings


class Door(Protocol):
    """One way in."""

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which 0 picks."""

    async def watch(self) -> None:
        """Cut off who must go, until cancelled."""

    async def stop(self, drain_s: float) -> None:
        """Take nothing new, and finish what is in hand."""


@dataclass(frozen=True, slots=True)
class Place:
    """A door, what it is called in metrics and in the log, and where it stands."""

    name: str
    door: Door
    port: int


FORMATS: Final = frozenset(ADAPTERS)
"""Of other systems, which each door takes."""
Renew = Callable[[], Awaitable[object]]
"""Look at files that may have changed."""


def doors_of(
    settings: Settings,
    desk: Desk,
    lists: Lists,
    doorkeeper: Doorkeeper | None,
    renew: Renew | None = None,
) -> list[Place]:
    """Every door that is asked for; NotReady if that is none, or a file is lacking."""
    found: list[Place] = []
    if doorkeeper is not None:
        listener = Listener(ByCertificate(doorkeeper), _bounds(settings), time.monotonic)
        door = HttpDoor(listener, CountedDesk(desk, "https"), desk.refused_of, FORMATS, lists)
        at = door if renew is None else Renewed(door, renew, settings.crl_reload_s)
        found.append(Place("https", at, settings.gateway_port))
        if settings.gateway_mqtt_port is not None:
            mqtt = MqttPlace(settings, desk, doorkeeper)
            found.append(Place(MQTT, mqtt, settings.gateway_mqtt_port))
    if settings.gateway_jwks_file is not None:
        found.append(_by_token(settings, desk, lists, settings.gateway_jwks_file))
    if not found:
        msg = "no door: give gateway_certificate_file, for TLS"
        raise NotReady(msg)
    return found


def _by_token(settings: Settings, desk: Desk, lists: Lists, jwks: Path) -> Place:
    certificate, key = settings.gateway_certificate_file, settings.gateway_key_file
    if certificate is None:
        msg = "tokens are taken over TLS alone: give gateway_certificate_file, gateway_key_file"
        raise NotReady(msg)
    try:
        own = OwnCertificate(certificate, key)
    except OSError as error:
        msg = "gateway_certificate_file and gateway_key_file are no certificate and its key"
        raise NotReady(msg) from error
    tokens = JwksTokens(jwks, settings.gateway_token_audience, time.time)
    if not tokens.refresh():
        msg = "gateway_jwks_file holds no JSON Web Key Set of public keys"
        raise NotReady(msg)
    listener = Listener(ByToken(own.context, tokens), _bounds(settings), time.monotonic)
    door = HttpDoor(listener, CountedDesk(desk, "token"), desk.refused_of, FORMATS, lists)

    async def renewed() -> None:
        await asyncio.to_thread(tokens.refresh)
        await asyncio.to_thread(own.renew)

    return Place("token", Renewed(door, renewed), settings.gateway_token_port)


@dataclass(frozen=True, slots=True)
class Renewed:
    """A door whose files are read again as they change."""

    door: Door
    renew: Renew
    every_s: float = 5.0

    async def start(self, host: str, port: int) -> int:
        """As the door's."""
        return await self.door.start(host, port)

    async def watch(self) -> None:
        """As the door's, and look at the file."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.door.watch())
            while True:
                await asyncio.sleep(self.every_s)
                await self.renew()

    async def stop(self, drain_s: float) -> None:
        """As the door's."""
        await self.door.stop(drain_s)


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        settings.gateway_connections_max,
        settings.gateway_idle_s,
        settings.gateway_body_s,
        opened_bytes_max=settings.gateway_in_flight_bytes,
    )


async def stop_all(places: Sequence[Place], drain_s: float) -> None:
    """Stop every door, all at once."""
    await asyncio.gather(*(place.door.stop(drain_s) for place in places))
