"""The broker goes away under a gateway's load: what was acknowledged is found, nothing else is."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.client.connection import Connection
from bus.failures import SendFailedError
from bus.publisher import Publisher
from bus.topics import TopicSpec
from ingest.gateway.way_out import WayOut
from ingest.raw_topic import RawPublisher
from ingest.routing import Routing
from roadfade.local.broker import LocalBroker
from telemetry.topics import RAW
from telemetry.wire.envelope import decode_envelope
from tests.ingest.gateway.test_http import JSON, one
from tests.integration.bus_road import clock, make_topics, until, values
from tests.support.gateway_door import House, open_house
from tests.support.plans import SPEED
from tests.support.sealing import PeriodKeys

pytestmark = [pytest.mark.broker, pytest.mark.faults]

Name = tuple[str, int]
CLIENTS, ENVELOPES = 4, 400


async def test_each_acknowledged_envelope_is_found_after_an_outage(
    tmp_path: Path, killable_broker: Callable[[], LocalBroker]
) -> None:
    broker = await asyncio.to_thread(killable_broker)
    connection = Connection(broker.bootstrap_servers, prefix="gate.")
    appended = {"message.timestamp.type": "LogAppendTime"}
    await make_topics(connection, TopicSpec(RAW, 2, appended))
    acknowledged: set[Name] = set()
    refused = 0

    async def bring(house: House, number: int) -> None:
        nonlocal refused
        device = f"dev-{number:06d}"
        async with house.client(device) as client:
            for seq in range(ENVELOPES):
                body = one(seq, device=device, id=f"{device}-{seq:08d}")
                while True:
                    async with client.post("/v1/envelopes", data=body, headers=JSON) as answer:
                        if answer.status == 202:
                            acknowledged.add((device, seq))
                            break
                        assert answer.status == 503
                        refused += 1
                    await asyncio.sleep(0.05)  # a device that tries again

    publisher = Publisher(connection, clock=clock, client_id="gateway", deadline_ms=1_000)
    async with publisher:
        keys = PeriodKeys()
        sealer = keys.sealer(clock)
        raw = RawPublisher(publisher, {SPEED}, Routing(bytes(32), 2), sealer)
        out = WayOut(lambda: raw, (SendFailedError,), bytes_max=1 << 20, deadline_s=1.0)
        async with open_house(tmp_path, out=out, copies=100_000) as house:
            sending = asyncio.create_task(out.run())
            bringing = [asyncio.create_task(bring(house, number)) for number in range(CLIENTS)]
            await until(lambda: len(acknowledged) > 100, sending, *bringing)
            await asyncio.to_thread(broker.kill9)
            await until(lambda: refused >= 2 * CLIENTS, sending, *bringing)
            assert out.bytes_in_flight <= 1 << 20
            await asyncio.to_thread(broker.start)
            await asyncio.gather(*bringing)
            out.end()
            await sending
    assert len(acknowledged) == CLIENTS * ENVELOPES
    found = [decode_envelope(keys.opened(value)) for value in await values(connection, RAW)]
    assert acknowledged <= {(one_.device, one_.seq) for one_ in found}
