"""What somebody else writes to our topics: a producer that keeps to nothing, and its records.

In: a road and doses. Out: a broker that holds them. Every function blocks.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer

from bus.partitions import partition_for
from bus.ports import ConsumedRecord
from policy.plan.plan import Output
from policy.vocabulary.operations import parts_of
from roadfade.in_force.broker import connection_of
from telemetry.identity import DeviceId
from telemetry.topics import AUDIT_FLOW, CONTROL_LINKS, HEARTBEAT_KEY, RAW
from telemetry.wire.control import DeviceRegistration, encode_row
from telemetry.wire.record import LATITUDE
from tests.integration.bus_road import lying_in
from tests.support.road import Road

BOMB_MIB = {"zstd": 500, "gzip": 40, "lz4": 40, "snappy": 18}
"""By codec: a topic takes no batch of more than a megabyte, and these do not pack alike."""
NEW_KEYS = (b"somebody-else@9", b"\xff\x00 no text")
"""Keys that are nobody's; the second is no UTF-8."""
GARBAGE = (b"\x00\xff garbage", b"", b"[" * 100_000, b'{"kind": "link\xe9"}', b"null")
REGISTRATION = b'{"kind":"device"'
VIN = "Vehicle.VehicleIdentification.VIN"


class Dose(NamedTuple):
    """One record, in a batch of its own. Without a partition it lies where its key belongs."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None
    """What its sender says; None: the time of sending."""


def give(road: Road, doses: Iterable[Dose]) -> None:
    """Write doses in order; durable on return. KafkaError if the broker takes one for none."""
    asyncio.run(_give(road, doses))


async def _give(road: Road, doses: Iterable[Dose]) -> None:
    connection, count = connection_of(road.settings), road.settings.partitions
    async with AIOKafkaProducer(
        **connection.client_options(), compression_type="zstd", max_request_size=1 << 24
    ) as producer:
        for topic, key, value, headers, partition, timestamp_ms in doses:
            at = 0 if key is None else partition_for(key, count)
            await producer.send_and_wait(
                connection.topic(topic), value, key=key, headers=list(headers),
                partition=at if partition is None else partition, timestamp_ms=timestamp_ms,
            )  # fmt: skip


def drop_bombs(road: Road, topics: Sequence[str], codec: str = "zstd") -> None:
    """One batch for each topic that is small on the wire and ``BOMB_MIB`` when it is unpacked."""
    names = [connection_of(road.settings).topic(topic) for topic in topics]
    servers = road.settings.kafka_bootstrap_servers
    subprocess.run(
        [sys.executable, "-c", DROP, servers, codec, str(BOMB_MIB[codec]), *names], check=True
    )


DROP = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

async def drop(servers, codec, length, *topics):
    limits = dict.fromkeys(("max_request_size", "max_batch_size"), 1 << 30)
    async with AIOKafkaProducer(
        bootstrap_servers=servers, compression_type=codec, request_timeout_ms=120_000, **limits
    ) as producer:
        for topic in topics:
            value = bytes(int(length) << 20)
            await producer.send_and_wait(topic, value, key=b"k", partition=0)

asyncio.run(drop(*sys.argv[1:]))
"""
"""A process of its own: a test must not hold what it makes others refuse."""


def lying(road: Road, topic: str) -> list[ConsumedRecord]:
    """What lies in a topic."""
    return asyncio.run(lying_in(connection_of(road.settings), topic, road.settings.partitions))


def raw_doses() -> Iterator[Dose]:
    """Onto the raw topic: a tombstone, and two megabytes that are nothing."""
    yield Dose(RAW, b"k", None)
    yield Dose(RAW, b"k", b"garbage " * (1 << 18))


RAW_REJECTED = {"no_payload": 1, "oversized": 1}
"""What the ledger counts of ``raw_doses``; a bomb cannot be told by readings."""


NUMBERS: Final = (-1, -(10**30), 2**63, 10**30, 1e308)
"""What a number on the wire may be, and no field of ours."""


def strange_envelopes() -> Iterator[Dose]:
    """Onto the raw topic: what is no envelope, in either partition, of times long past and not."""
    for n, value in enumerate(GARBAGE):
        yield Dose(RAW, b"k", value, partition=n % 2, timestamp_ms=1)
    for number in NUMBERS:
        fields = {"v": 1, "id": "x", "device": "d", "clock": {"t0": number, "quality": "gnss"}}
        yield Dose(RAW, b"k", json.dumps(fields | {"series": {}}).encode())
        column = {"unit": "km/h", "dt": [number], "value": [number]}
        clock = {"t0": "2026-01-01T00:00:00Z", "quality": "gnss"}
        body = fields | {"clock": clock, "series": {"Vehicle.Speed": column}}
        yield Dose(RAW, b"\xff", json.dumps(body).encode())


def audit_doses() -> Iterator[Dose]:
    """Onto audit.flow: no flow record, or one with numbers that none can have."""
    row: dict[str, Any] = {"topic": RAW, "partition": 0, "first": 0, "last": 1, "ledger": {}}
    row |= {"rejected": {}, "generation": 0}
    flow = {"in": 1, "delivered": 2**63, "withheld": {}}
    for field in ("partition", "first", "last", "generation"):
        yield Dose(AUDIT_FLOW, b"k", json.dumps(row | {field: 2**64}).encode())
    yield Dose(AUDIT_FLOW, b"k", json.dumps(row | {"last": 2**63}).encode())
    yield Dose(AUDIT_FLOW, b"k", json.dumps(row | {"rejected": {"malformed": 10**30}}).encode())
    yield Dose(AUDIT_FLOW, b"k", json.dumps(row | {"ledger": {"some": flow}}).encode())
    yield Dose(AUDIT_FLOW, b"k", json.dumps(row | {"topic": "\ud800"}).encode())
    for value in (*GARBAGE, None):
        yield Dose(AUDIT_FLOW, b"k", value)


def purpose_doses(output: Output, real: ConsumedRecord) -> Iterator[tuple[str, Dose]]:
    """Onto a purpose topic: a real record with one thing changed; why a sink must refuse it."""
    topic = output.topic
    headers = {name: value for name, value in real.headers if name != "ce_id"}
    body = json.loads(real.value or b"")
    numbers = iter(range(100))

    def changed(**named: str) -> list[tuple[str, bytes]]:
        own = {"ce_id": f"somebody-else-{next(numbers)}"} | named
        return list((headers | {name: text.encode() for name, text in own.items()}).items())

    def series(path: str, unit: str, value: Any) -> bytes:
        column = {path: {"unit": unit, "dt": [0], "value": [value]}}
        return json.dumps(body | {"series": column, "dtc": []}).encode()

    for count in (str(10**30), "-1", "many"):
        yield "bad_header", Dose(topic, real.key, real.value, changed(readings=count))
    never = changed(expires_at="9999-12-31T23:59:00Z")
    yield "kept_too_long", Dose(topic, real.key, real.value, never)
    vin = series(VIN, "", "VIN00000000000000")
    yield "not_allowed", Dose(topic, real.key, vin, changed())
    if not _exact(output):
        place = series(LATITUDE, "degrees", 35.123456)
        yield "not_allowed", Dose(topic, real.key, place, changed())
    unknown = changed(policy_version="999-0123456789ab")
    yield "unknown_policy", Dose(topic, real.key, real.value, unknown)
    for value in GARBAGE:
        yield "malformed", Dose(topic, real.key, value, changed())
    yield "no_payload", Dose(topic, real.key, None, changed())
    yield "key_mismatch", Dose(topic, b"another", real.value, changed())
    yield "missing_header", Dose(topic, real.key, real.value)


def _exact(output: Output) -> bool:
    rules = [rule for lane in output.lanes for rule in lane.rules if rule.signal == LATITUDE]
    return any(not parts_of(rule.operations).meshes for rule in rules)


def control_doses(topic: str, rows: Sequence[ConsumedRecord]) -> Iterator[Dose]:
    """Onto a control topic: what is no row of it, under new keys, old keys, the heartbeat's."""
    foreign = encode_row(DeviceRegistration(DeviceId("somebody-elses"), 0))
    # A registration does not hold its key: under another one it would be a row.
    rows = [
        row
        for row in rows
        if row.key != HEARTBEAT_KEY and not (row.value or b"").startswith(REGISTRATION)
    ]
    known = [row for row in rows if row.value is not None][:2]
    for key in NEW_KEYS:
        for value in GARBAGE:
            yield Dose(topic, key, value)
        if topic != CONTROL_LINKS:  # there it would be a row, and whoever may write may say it
            yield Dose(topic, key, foreign)
    for row in known:
        yield Dose(topic, row.key, GARBAGE[0])
        # The row of another key: it does not belong under this one.
        yield Dose(topic, row.key, known[0].value if row is not known[0] else b"{}")
    for value in (*GARBAGE, foreign):
        yield Dose(topic, HEARTBEAT_KEY, value)


def every_row_replaced(
    topic: str, rows: Sequence[ConsumedRecord], partitions: int
) -> Iterator[Dose]:
    """Onto a control topic: something else in the place of each row, and heartbeats that are none.

    Nothing of it is a row that whoever may write there may say: that would hold until a heartbeat.
    """
    bodies = [b'{"kind":"heartbeat","at_ms":%d}' % number for number in NUMBERS[:4]]
    live = {row.key: row for row in rows if row.key not in (None, HEARTBEAT_KEY)}
    for n, (key, row) in enumerate(live.items()):
        other = (row.partition + 1) % partitions
        yield Dose(topic, key, None, partition=other)
        yield Dose(topic, key, row.value, partition=other)
        yield Dose(topic, key, (*GARBAGE, None, *bodies)[n % (len(GARBAGE) + 5)], timestamp_ms=1)
    for partition in range(partitions):
        for value in (*GARBAGE, *bodies, None):
            yield Dose(topic, HEARTBEAT_KEY, value, partition=partition)
        for key in NEW_KEYS:
            yield Dose(topic, key, GARBAGE[0], partition=partition)


def cleaned(topic: str) -> Iterator[Dose]:
    """Take the rows under new keys out of a control topic again."""
    for key in NEW_KEYS:
        yield Dose(topic, key, None)
