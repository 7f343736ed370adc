"""Simulated vehicles outside the locked door: each with its own certificate, over HTTPS or MQTT.

In: envelopes, and a TLS context for each device. Out: what the gateway acknowledged. What it
refuses for now, or what a broken connection leaves unknown, is sent again with the next: copies
are recognised by the gateway.
"""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final, NamedTuple, Protocol, Self

import aiohttp
from moat.lib.mqtt import MQTTException, MQTTPublishFailed, QoS
from moat.lib.mqtt.async_client import AsyncMQTTClient

from telemetry.identity import DeviceId
from telemetry.wire.envelope import Envelope, encode_envelope

WAITING_MAX: Final = 1_000
"""Envelopes that a vehicle keeps for a gateway that does not answer; the oldest go first."""
ANSWER_S_MAX: Final = 15.0
AT_ONCE_MAX: Final = 50
END_S_MAX: Final = 10.0
AGAIN_AFTER_S: Final = 0.5
GOODBYE_S_MAX: Final = 2.0
ENVELOPES_TOPIC: Final = "v1/envelopes"
AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
"""HTTP answers after which the same may be sent again."""


class Settled(NamedTuple):
    """The first so many need not be sent again, and how many of these were refused for good."""

    envelopes: int
    refused: int = 0


class Carriage(Protocol):
    """How one device reaches the gateway."""

    async def send(self, envelopes: list[Envelope]) -> Settled:
        """Send them in their order."""
        ...


class DevicesOutside:
    """Obeys what the fleet needs of a raw topic: ``publish`` and its counts."""

    def __init__(self, carriages: Mapping[str, Carriage]) -> None:
        self._carriages = carriages
        self._waiting: dict[str, deque[Envelope]] = defaultdict(lambda: deque(maxlen=WAITING_MAX))
        self.envelopes = 0
        self.readings = 0
        self.refused = 0
        self.dropped = 0

    @property
    def counts(self) -> dict[str, int]:
        """What was acknowledged; envelopes that were refused, or for which there was no room."""
        return {
            "envelopes": self.envelopes,
            "readings": self.readings,
            "refused": self.refused,
            "dropped": self.dropped,
        }

    @property
    def waiting(self) -> int:
        """Envelopes that no gateway has taken yet."""
        return sum(map(len, self._waiting.values()))

    async def publish(self, envelopes: Iterable[Envelope]) -> int:
        """Send these behind what still waits; how many envelopes were acknowledged now."""
        for envelope in envelopes:
            waiting = self._waiting[envelope.device]
            self.dropped += len(waiting) == WAITING_MAX
            waiting.append(envelope)
        before = self.envelopes
        devices = [device for device, waiting in self._waiting.items() if waiting]
        await asyncio.gather(*map(self._send, devices))
        return self.envelopes - before

    async def finish(self) -> None:
        """Send what waits, if the gateway takes it within some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S_MAX):
                while self.waiting:
                    await self.publish(())
                    await asyncio.sleep(AGAIN_AFTER_S)

    async def _send(self, device: str) -> None:
        waiting = self._waiting[device]
        while waiting:
            some = [waiting[place] for place in range(min(AT_ONCE_MAX, len(waiting)))]
            settled, refused = await self._carriages[device].send(some)
            for envelope in some[:settled]:
                waiting.popleft()
                self.readings += envelope.readings
            self.envelopes += settled - refused
            self.refused += refused
            if settled < len(some):
                return


class HttpsCarriage:
    """One device's connection to ``POST /v1/envelopes``."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._url = f"{url}/v1/envelopes"
        self._context = context
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open it; it connects when something is sent."""
        connector = aiohttp.TCPConnector(ssl=self._context, limit=1)
        timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def send(self, envelopes: list[Envelope]) -> Settled:
        """All or none: one request, one answer."""
        if self._session is None:
            return Settled(0)
        body = b"\n".join(map(encode_envelope, envelopes))
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                if answer.status == 202:  # noqa: PLR2004  # Accepted
                    return Settled(len(envelopes))
                if answer.status in AGAIN:
                    return Settled(0)
                return Settled(len(envelopes), refused=len(envelopes))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Settled(0)


class MqttCarriage:
    """One device's MQTT 5 connection, made anew when it broke.

    Its library takes a message for sent if the connection breaks as it is written: no device of
    anybody's should use it so.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host, self._port, self._context = host, port, context
        self._asked = asyncio.Queue[tuple[list[Envelope], asyncio.Future[Settled]]]()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """It connects when something is sent."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say goodbye, if it is connected."""
        await self._left()

    async def send(self, envelopes: list[Envelope]) -> Settled:
        """One message each, acknowledged one after the other."""
        if self._running is None or self._running.done():
            self._asked = asyncio.Queue()
            self._running = asyncio.create_task(self._run())
        done: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((envelopes, done))
        either: set[asyncio.Future[Any]] = {done, self._running}
        await asyncio.wait(either, timeout=ANSWER_S_MAX)
        if done.done():
            return done.result()
        await self._left()
        return Settled(0)

    async def _left(self) -> None:
        if self._running is not None:
            self._running.cancel()
            # The library may wait for a goodbye that nobody says.
            await asyncio.wait({self._running}, timeout=GOODBYE_S_MAX)
            self._running = None

    async def _run(self) -> None:
        # The library's connection has to be left in the task that made it.
        try:
            async with AsyncMQTTClient(self._host, self._port, ssl=self._context) as client:
                while True:
                    envelopes, done = await self._asked.get()
                    refused = 0
                    for settled, envelope in enumerate(envelopes):
                        try:
                            await client.publish(
                                ENVELOPES_TOPIC, encode_envelope(envelope), qos=QoS.AT_LEAST_ONCE
                            )
                        except MQTTPublishFailed:
                            refused += 1
                        except (MQTTException, OSError):
                            done.set_result(Settled(settled, refused))
                            raise
                    if not done.done():
                        done.set_result(Settled(len(envelopes), refused))
        except (MQTTException, OSError, ExceptionGroup):
            return  # what was not acknowledged is sent again


@asynccontextmanager
async def devices_outside(
    contexts: Mapping[DeviceId, ssl.SSLContext], host: str, https_port: int, mqtt_port: int
) -> AsyncIterator[DevicesOutside]:
    """Every second device over HTTPS, the others over MQTT."""
    async with AsyncExitStack() as stack:
        carriages: dict[str, Carriage] = {}
        for number, (device, context) in enumerate(contexts.items()):
            carriage = (
                MqttCarriage(host, mqtt_port, context)
                if number % 2
                else HttpsCarriage(f"https://{host}:{https_port}", context)
            )
            carriages[device] = await stack.enter_async_context(carriage)
        yield DevicesOutside(carriages)
