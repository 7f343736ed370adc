"""Sealed on the topic, in the broker's own files too; under a destroyed key nobody opens it again."""

import asyncio
import json
from pathlib import Path

import pytest

from bus.publisher import Publisher
from ingest.raw_topic import RawPublisher
from ingest.sealing import Sealer
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.keyring.period_keys import name_of, public_key
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from roadfade.raw_routing import routing_of
from telemetry.instants import DAY_MS, MINUTE_MS, format_instant
from telemetry.periods import Period, period_at
from telemetry.sealing import Header, NotOpened, cipher_of, header_of
from telemetry.topics import RAW
from telemetry.wire.envelope import Envelope, decode_envelope
from telemetry.wire.sealing_key import SealingKey
from tests.flow.planted import COOLANT, column
from tests.support.everywhere import forms
from tests.support.pace import plan_of, raw
from tests.support.road import Road
from tests.support.watching import figure, until

pytestmark = pytest.mark.broker

DONGLE = "dongle-of-the-sealed-canary"
PLAIN = "dongle-of-the-plain-canary"
LET_GO = "roadfade_keys_let_go_total"
LENGTH_S = 60
"""Periods of a length that no plan here has: the road makes no key of this name, nor ends one."""


def body(device: str, at_ms: int, number: int) -> bytes:
    return json.dumps(
        {
            "v": 1,
            "id": f"envelope-of-{device}-{number}",
            "device": device,
            "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
            "series": {COOLANT: column("celsius", 80 + number)},
        }
    ).encode()


class Sealed:
    """A period of this test's own, whose key is in the road's keyring."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.period: Period = period_at(wall_ms(), LENGTH_S)
        self.settings = road.settings
        keyring = self.opened()
        private = keyring.ensure([name_of(self.period)])[name_of(self.period)]
        keyring.close()
        self.public = SealingKey(self.period, public_key(private))

    def opened(self) -> Keyring:
        return Keyring.open(self.settings.raw_keys_path, FileKek(self.settings.raw_kek_file))

    def send(self, envelope: Envelope) -> None:
        async def sending() -> None:
            connection = connection_of(self.settings)
            routing = await routing_of(self.settings, connection)
            sealer = Sealer(lambda _: self.public, wall_ms)
            async with Publisher(connection, clock=wall_ms, compression=None) as publisher:
                collected = plan_of(self.settings).collected
                assert await RawPublisher(publisher, collected, routing, sealer).publish([envelope])

        asyncio.run(sending())

    def send_plain(self, envelope: bytes) -> None:
        async def sending() -> None:
            connection = connection_of(self.settings)
            async with Publisher(connection, clock=wall_ms, compression=None) as publisher:
                await publisher.publish([raw(envelope, PLAIN)])

        asyncio.run(sending())

    def destroy(self) -> None:
        keyring = self.opened()
        keyring.destroy([name_of(self.period)])
        keyring.close()

    def opens(self, segments: bytes) -> list[bool]:
        """Of each record of this period in these bytes, whether the road's keyring opens it."""
        keyring = self.opened()
        private = keyring.get(*name_of(self.period))
        keyring.close()
        found = list[bool]()
        at = segments.find(b"RFS1")
        while at >= 0:
            header = header_of(segments[at : at + 900_000])
            if isinstance(header, Header) and header.period == self.period:
                opened = private is not None and not isinstance(
                    cipher_of(header, private), NotOpened
                )
                found.append(opened)
            at = segments.find(b"RFS1", at + 1)
        return found


def segments(broker: LocalBroker, road: Road) -> bytes:
    """What the broker's files of the raw topic hold."""
    files = [
        file
        for folder in broker.log.parent.rglob(f"{road.settings.topic_prefix}{RAW}-*")
        for file in folder.glob("*.log")
    ]
    assert files
    return b"".join(map(Path.read_bytes, files))


def shown(device: str, where: bytes) -> bool:
    return any(needle.lower() in where.lower() for _, needle in forms(device))


@pytest.fixture
def sealed(road: Road) -> Sealed:
    for device in (DONGLE, PLAIN):
        road.known(device, f"subject-of-{device}", wall_ms() - DAY_MS)
    return Sealed(road)


def rejected(road: Road) -> dict[str, int]:
    return dict(LedgerFile(road.settings.ledger_path).read().rejected)


def test_what_was_sealed_is_open_nowhere_and_under_a_destroyed_key_to_nobody(
    broker: LocalBroker, road: Road, sealed: Sealed
) -> None:
    at_ms = wall_ms() - 5 * MINUTE_MS
    before = sum(
        row.delivered for row in LedgerFile(road.settings.ledger_path).read().outputs.values()
    )
    sealed.send(decode_envelope(body(DONGLE, at_ms, 1)))
    road.drained()
    ledger = LedgerFile(road.settings.ledger_path).read()
    assert sum(row.delivered for row in ledger.outputs.values()) > before, "the worker opened it"

    # The search is proven by an envelope that went past the front doors.
    sealed.send_plain(body(PLAIN, at_ms, 2))
    found = segments(broker, road)
    assert shown(PLAIN, found)
    assert not shown(DONGLE, found)
    assert sealed.opens(found) == [True]

    let_go = figure(road, "worker-0", LET_GO)
    sealed.destroy()
    until(lambda: figure(road, "worker-0", LET_GO) > let_go, "the worker to let go of it")
    lost = rejected(road).get("key_destroyed", 0)
    sealed.send(decode_envelope(body(DONGLE, at_ms, 3)))
    road.drained()
    until(lambda: rejected(road).get("key_destroyed", 0) == lost + 1, "the count")
    assert sealed.opens(segments(broker, road)) == [False, False]

    # The worker goes on, under the key that is offered now.
    assert road.ended() == []
    file = road.settings.state_dir / "one.ndjson"
    file.write_bytes(body(DONGLE, at_ms + 1_000, 4))
    done = road.cli("publish", str(file))
    assert done.code == 0, done.err
    road.drained()
    assert rejected(road).get("key_destroyed", 0) == lost + 1
    assert not shown(DONGLE, segments(broker, road))
