"""The gateway of a locked run, and its fleet outside: certificates, ports, connections.

In: a run's settings, with the devices registered. Out: the gateway's own settings, and a way by
which the fleet reaches it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ingest.simulation.fleet import Fleet
from roadfade.demo.device_keys import FleetKeys, make_keys
from roadfade.demo.devices_outside import DevicesOutside, devices_outside
from roadfade.local.ports import free_port
from roadfade.settings import Settings

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the doors are, and who has which key."""

    keys: FleetKeys
    https_port: int
    mqtt_port: int

    def of(self, settings: Settings) -> Settings:
        """The gateway's settings."""
        doors = {
            "gateway_host": HOST,
            "gateway_port": self.https_port,
            "gateway_mqtt_port": self.mqtt_port,
            "gateway_certificate_file": self.keys.gateway,
        }
        return settings.model_copy(update=doors)

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[DevicesOutside]:
        """The fleet's connections; what still waits at the end is sent if the gateway takes it."""
        async with devices_outside(
            self.keys.contexts, HOST, self.https_port, self.mqtt_port
        ) as devices:
            yield devices
            await devices.finish()


async def make_gate(settings: Settings, fleet: Fleet, now_ms: int) -> Gate:
    """An authority, a certificate for the gateway and one for each device, and two free ports."""
    keys = await make_keys(settings, fleet.devices, now_ms)
    https = free_port()
    return Gate(keys, https, free_port(taken=frozenset((https,))))
