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
from typing import Final, Protocol, Self

import aiohttp
from moat.lib.mqtt import MQTTException, QoS
from moat.lib.mqtt.async_client import AsyncMQTTClient

from telemetry.identity import DeviceId
from telemetry.wire.envelope import Envelope, encode_envelope

WAITING_MAX: Final = 1_000
"""Envelopes that a vehicle keeps for a gateway that does not answer; the oldest go first."""
ANSWER_S_MAX: Final = 15.0
AT_ONCE_MAX: Final = 50
END_S_MAX: Final = 10.0
AGAIN_AFTER_S: Final = 0.5
ENVELOPES_TOPIC: Final = "v1/envelopes"
AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
"""HTTP answers after which the same may be sent again."""


class Carriage(Protocol):
    """How one device reaches the gateway."""

    async def send(self, envelopes: list[Envelope]) -> int | None:
        """How many were acknowledged, the first ones; None: they are refused for good."""
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
            taken = await self._carriages[device].send(some)
            for envelope in some[: len(some) if taken is None else taken]:
                waiting.popleft()
                if taken is None:
                    self.refused += 1
                else:
                    self.envelopes += 1
                    self.readings += envelope.readings
            if taken is not None and taken < len(some):
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

    async def send(self, envelopes: list[Envelope]) -> int | None:
        """All or none: one request, one answer."""
        if self._session is None:
            return 0
        body = b"\n".join(map(encode_envelope, envelopes))
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                if answer.status == 202:  # noqa: PLR2004  # Accepted
                    return len(envelopes)
                return 0 if answer.status in AGAIN else None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0


class MqttCarriage:
    """One device's MQTT 5 connection, made anew when it broke."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host, self._port, self._context = host, port, context
        self._asked = asyncio.Queue[tuple[list[Envelope], asyncio.Future[int]]]()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """It connects when something is sent."""
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say goodbye, if it is connected."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def send(self, envelopes: list[Envelope]) -> int | None:
        """One message each, acknowledged one after the other."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await self._asked.put((envelopes, done))
        return await done

    async def _run(self) -> None:
        # The library's connection has to be left in the task that made it.
        while True:
            envelopes, done = await self._asked.get()
            acknowledged = 0
            try:
                async with AsyncMQTTClient(self._host, self._port, ssl=self._context) as client:
                    while True:
                        acknowledged = 0
                        for envelope in envelopes:
                            async with asyncio.timeout(ANSWER_S_MAX):
                                await client.publish(
                                    ENVELOPES_TOPIC,
                                    encode_envelope(envelope),
                                    qos=QoS.AT_LEAST_ONCE,
                                )
                            acknowledged += 1
                        done.set_result(acknowledged)
                        envelopes, done = await self._asked.get()
            except (MQTTException, TimeoutError, OSError, ExceptionGroup):
                pass  # what was not acknowledged is sent again
            finally:
                if not done.done():
                    done.set_result(acknowledged)


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
