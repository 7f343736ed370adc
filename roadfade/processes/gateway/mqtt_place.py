"""The MQTT door as this gateway has it: its limits from the settings, its counts as metrics."""

import asyncio
import logging

from ingest.gateway.front_desk import Desk
from ingest.gateway.mqtt.door import MqttDoor
from ingest.gateway.mqtt.limits import MqttLimits
from ingest.gateway.mqtt.observer import MqttObserver, Outcome
from ingest.gateway.ports import Doorkeeper, Refusal
from roadfade import metrics
from roadfade.metrics import bear
from roadfade.processes.gateway.counted import ACCEPTED
from roadfade.settings import Settings

NAME = "mqtt"
logger = logging.getLogger(__name__)


class MqttPlace:
    """Obeys ``Door``."""

    def __init__(self, settings: Settings, desk: Desk, doorkeeper: Doorkeeper) -> None:
        # Its envelopes are counted once, however often the door tries them.
        self._desk = desk
        self._doorkeeper = doorkeeper
        self._limits = MqttLimits(
            receive_maximum=settings.gateway_mqtt_receive_maximum,
            keep_alive_s_max=settings.gateway_mqtt_keep_alive_s_max,
            connections_max=settings.gateway_connections_max,
            held_bytes_max=settings.gateway_in_flight_bytes,
            recheck_s=1.0,
        )
        self._door: MqttDoor | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which 0 picks."""
        door = self._door = MqttDoor(
            self._desk, self._doorkeeper, host, port, limits=self._limits, observer=Counted()
        )
        await door.start()
        return door.port

    async def watch(self) -> None:
        """Nothing: each connection asks about its own certificate."""
        await asyncio.Event().wait()

    async def stop(self, drain_s: float) -> None:
        """Take nothing new, and finish what is in hand."""
        if self._door is not None:
            await self._door.stop(drain_s)


class Counted(MqttObserver):
    """What became of messages and connections, as metrics."""

    def __init__(self) -> None:
        bear(metrics.GATEWAY_MQTT_MESSAGES, Outcome)
        bear(metrics.GATEWAY_ENVELOPES, [NAME], [ACCEPTED, *Refusal])

    def envelopes(self, outcome: str, count: int) -> None:
        """So many envelopes were accepted, or refused under the front desk's reason."""
        metrics.GATEWAY_ENVELOPES.labels(NAME, outcome).inc(count)

    def message(self, outcome: Outcome) -> None:
        """One message came to its end."""
        metrics.GATEWAY_MQTT_MESSAGES.labels(str(outcome)).inc()

    def connections(self, count: int) -> None:
        """So many are open now."""
        metrics.GATEWAY_MQTT_CONNECTIONS.set(count)

    def ended(self, reason: str) -> None:
        """A connection ended."""
        metrics.GATEWAY_MQTT_ENDED.labels(reason).inc()

    def failed(self, kind: str) -> None:
        """A connection ended by an error of ours: the name of its class, and nothing it says."""
        logger.error("an MQTT connection ended by an error of ours: %s", kind)
