"""``roadfade gateway``: takes what devices bring, and acknowledges what is durable.

On SIGTERM it takes no more connections, finishes what is in hand, and ends.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from bus.failures import SendFailedError
from bus.ports import Broker
from bus.publisher import Publisher
from ingest.gateway.adapters.registry import adapters_over
from ingest.gateway.boots import Boots
from ingest.gateway.certificate_files import DoorFiles
from ingest.gateway.client_certificates import ClientCertificates
from ingest.gateway.copies import Copies
from ingest.gateway.front_desk import Desk, Out
from ingest.gateway.ports import Doorkeeper
from ingest.gateway.shares import Shares
from ingest.gateway.way_out import WayOut
from ingest.sealing import NoSealingKeyError, Sealer
from roadfade import metrics
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.documents import load_catalogue
from roadfade.in_force.offered_keys import offered_keys
from roadfade.in_force.source import PolicySource
from roadfade.logs.process_log import Named
from roadfade.processes.gateway.counted import export, left_out, tell_faults
from roadfade.processes.gateway.doors import Renew, doors_of, stop_all
from roadfade.processes.gateway.handed_out import HandedOut
from roadfade.processes.gateway.in_force import RawInForce
from roadfade.processes.reporting import reporter_of, reporting
from roadfade.processes.signals import on_stop
from roadfade.processes.starting import begin
from roadfade.raw_routing import routing_of
from roadfade.readiness import Need, readiness
from roadfade.refusal import NotReady
from roadfade.settings import Settings

BROKER_FAILURES: Final = (SendFailedError, NoSealingKeyError)
"""What says that nothing is durable, and that it may be tried again."""
logger = logging.getLogger(__name__)


def doorkeeper_of(settings: Settings) -> tuple[Doorkeeper | None, Renew | None]:
    """Who knows the devices' certificates, and how it is renewed; None: nobody does. Blocks.

    NotReady if the gateway's own certificate cannot be used.
    """
    server = settings.gateway_certificate_file
    if server is None:
        return None, None
    files = DoorFiles(server, settings.ca_file, settings.crl_path, settings.gateway_key_file)
    try:
        keeper = ClientCertificates.opened(files, wall_ms)
    except OSError as error:
        msg = "gateway_certificate_file and gateway_key_file are no certificate and its key"
        raise NotReady(msg) from error
    tell_faults(keeper.faults)

    async def renew() -> None:
        await keeper.renew()
        tell_faults(keeper.faults)

    return keeper, renew


def desk_of(settings: Settings, out: Out) -> Desk:
    """The one desk of this gateway."""
    devices_max = settings.gateway_devices_max
    quiet_s = settings.gateway_clone_quiet_s
    shares = Shares(
        settings.gateway_envelopes_per_minute,
        settings.gateway_bytes_per_minute,
        devices_max,
        time.monotonic,
    )
    return Desk(
        out,
        shares,
        Copies(settings.gateway_copies_max),
        Boots(int(quiet_s * 1000), devices_max),
        wall_ms,
        adapters=adapters_over(load_catalogue(), left_out),
        quiet_s=quiet_s,
        devices_max=devices_max,
    )


async def _run(settings: Settings) -> None:
    broker = connection_of(settings)
    async with PolicySource.open(settings, broker) as source:
        pass  # what follows the versions needs no administrator
    routing = await routing_of(settings, broker)
    stopping = asyncio.Event()
    on_stop(stopping.set)
    deadline_s = settings.gateway_answer_s
    publisher = Publisher(
        broker,
        clock=wall_ms,
        client_id="gateway",
        compression=None,  # what is sealed cannot be compressed any more
        deadline_ms=int(deadline_s * 1000),
    )
    reporter = reporter_of(settings, broker, "gateway")
    async with offered_keys(broker) as keys, publisher, reporting(reporter):
        sealer = Sealer(keys.key_at, wall_ms, wait_s=deadline_s / 2)
        in_force = RawInForce(broker, source, publisher, routing, sealer)
        out = WayOut(
            lambda: in_force.raw,
            BROKER_FAILURES,
            bytes_max=settings.gateway_in_flight_bytes,
            deadline_s=deadline_s,
        )
        metrics.GATEWAY_BYTES_IN_FLIGHT.set_function(lambda: out.bytes_in_flight)
        await _serve(settings, broker, out, in_force, stopping)


async def _serve(
    settings: Settings,
    broker: Broker,
    out: WayOut,
    in_force: RawInForce,
    stopping: asyncio.Event,
) -> None:
    """Open the doors, and close them before what stands behind them."""
    desk = desk_of(settings, out)
    export(desk)
    lists = HandedOut(broker, wall_ms, settings.view_age_s_max)
    keeper, renew = await asyncio.to_thread(doorkeeper_of, settings)
    places = doors_of(settings, desk, lists, keeper, renew)
    shut = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        handing_out = group.create_task(lists.run())
        group.create_task(in_force.run(shut))
        group.create_task(out.run())
        watching = [group.create_task(place.door.watch()) for place in places]
        for place in places:
            port = await place.door.start(settings.gateway_host, place.port)
            logger.info("the door %s is open on port %d", place.name, port)
        readiness.met(Need.DOORS)
        await stopping.wait()
        readiness.lacks(Need.DOORS, "it is ending")
        await stop_all(places, settings.gateway_drain_s)
        for task in (*watching, handing_out):
            task.cancel()
        out.end()
        shut.set()


def faster_loop() -> Callable[[], Any] | None:
    """The loop of uvloop where that is installed; None for Python's own."""
    try:
        import uvloop  # noqa: PLC0415  # an extra
    except ImportError:
        return None
    return uvloop.new_event_loop


def main(settings: Settings, named: Named) -> None:
    """Run until a signal; NotReady if it must not start."""
    require_broker(settings)
    begin(settings, named, "gateway", "gateway")
    loop = None if sys.platform == "win32" else faster_loop()
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_run(settings))
