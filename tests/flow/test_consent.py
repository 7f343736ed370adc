"""A withdrawal meets records on their way; a worker that may have missed one waits."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from bus.client.positions import Positions
from bus.publisher import Publisher
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.local.broker import LocalBroker
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, HOUR_MS, SECOND_MS, format_instant
from telemetry.topics import RAW, WORKER_GROUP
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.flow.planted import column
from tests.support.pace import play, raw
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.since import Since
from tests.support.watching import figure, until

pytestmark = pytest.mark.broker

APP = "service_provision.app"
DONGLE, SUBJECT = "dongle-of-the-withdrawing", "person-of-the-withdrawing"
WORK_DONGLE, WORKER = "dongle-of-a-company-car", "person-driving-for-work"


def position(number: int, from_ms: int) -> bytes:
    """One position, which was at that second after a start."""
    return json.dumps(
        {
            "v": 1,
            "id": f"envelope-of-position-{number:06d}",
            "device": DONGLE,
            "clock": {"t0": format_instant(from_ms + number * SECOND_MS), "quality": "gnss"},
            "series": {
                LATITUDE: column("degrees", 35.681),
                LONGITUDE: column("degrees", 139.767),
            },
        }
    ).encode()


@contextmanager
def driving(settings: Settings, from_ms: int) -> Iterator[list[int]]:
    """Positions published one after the other; the list grows as they become durable."""
    sent: list[int] = []
    stopping = Event()

    async def drive() -> None:
        async with Publisher(connection_of(settings), clock=wall_ms) as publisher:
            while not stopping.is_set():
                await publisher.publish([raw(position(len(sent), from_ms))])
                sent.append(len(sent))

    with ThreadPoolExecutor() as threads:
        done = threads.submit(asyncio.run, drive())
        try:
            yield sent
        finally:
            stopping.set()
            done.result()


def kept_numbers(since: Since, from_ms: int) -> list[int]:
    kept = since.rows(APP, "signal, epoch_ms(t)")
    return sorted((t_ms - from_ms) // SECOND_MS for signal, t_ms in kept if signal == LATITUDE)


def test_nothing_read_after_a_withdrawal_was_known_is_delivered(road: Road) -> None:
    # All of it was recorded while the consent stood: what counts is that it does not stand now.
    from_ms = wall_ms() // SECOND_MS * SECOND_MS - 12 * HOUR_MS
    road.known(DONGLE, SUBJECT, from_ms - 30 * DAY_MS)
    since = Since(road)
    with driving(road.settings, from_ms) as sent:
        until(lambda: kept_numbers(since, from_ms), "positions in the lake")
        told = road.cli(
            "consent", "withdraw", "--subject", SUBJECT, "--purpose", "service_provision"
        )
        assert told.code == 0, told.err
        road._told()
        known = len(sent)
        until(lambda: len(sent) > known + 100, "positions sent after it")
    road.drained()
    delivered = kept_numbers(since, from_ms)
    # The last one published while we looked may have come in before.
    assert delivered and delivered[-1] <= known
    flow = since.ledger().outputs[APP]
    assert flow.withheld["no_consent"] == 2 * (len(sent) - len(delivered)) >= 200
    assert flow.delivered == 2 * len(delivered)


def test_whoever_drives_for_work_leaves_no_position_whatever_the_ground(road: Road) -> None:
    from_ms = wall_ms() // SECOND_MS * SECOND_MS - HOUR_MS
    from_then = ("--from", format_instant(from_ms - DAY_MS))
    who = ("--device", WORK_DONGLE, "--subject", WORKER)
    told = road.cli("register", *who, "--role", "employee", *from_then)
    assert told.code == 0, told.err
    asked = ("consent", "grant", "--subject", WORKER, "--purpose", "service_provision")
    refused = road.cli(*asked, "--basis", "location", *from_then)
    assert (refused.code, "who drives for work is not followed" in refused.err) == (1, True)
    road._told()
    since = Since(road)
    play(road.settings, [raw(position(0, from_ms).replace(DONGLE.encode(), WORK_DONGLE.encode()))])
    road.drained()
    outputs = since.ledger().outputs
    # Published grounds need no consent, so the forbid is the first reason there.
    for name in ("service_improve", "device_engineering"):
        assert outputs[name].withheld["forbidden"] == 2
    assert all(flow.closes for flow in outputs.values())


@pytest.mark.faults
def test_a_worker_whose_views_are_stale_waits_and_then_goes_on(
    broker: LocalBroker, tmp_path: Path
) -> None:
    from_ms = wall_ms() // SECOND_MS * SECOND_MS - HOUR_MS
    with running_road(
        broker.bootstrap_servers, no_prefix_twice(), tmp_path, view_age_s_max=2, partitions=1
    ) as road:
        road.known(DONGLE, SUBJECT, from_ms - DAY_MS)
        since = Since(road)
        play(road.settings, [raw(position(0, from_ms))])
        road.drained()
        road.kill("office")
        until(lambda: figure(road, "worker-0", "roadfade_paused"), "the pause")
        before = committed(road)
        play(road.settings, [raw(position(n, from_ms)) for n in range(1, 6)])
        age_s = figure(road, "worker-0", "roadfade_view_age_seconds")
        until(
            lambda: figure(road, "worker-0", "roadfade_view_age_seconds") > age_s + 4,
            "turns of a worker that waits",
        )
        assert (committed(road), figure(road, "worker-0", "roadfade_records_in_total")) == (
            before,
            1,
        )
        assert kept_numbers(since, from_ms) == [0]
        road.start("office")
        until(lambda: not figure(road, "worker-0", "roadfade_paused"), "the end of the pause")
        road.drained()
        assert kept_numbers(since, from_ms) == list(range(6))
        assert road.ended() == []


def committed(road: Road) -> int:
    """How many raw records the worker's group has committed."""

    async def ask() -> int:
        async with Positions(connection_of(road.settings)) as positions:
            return (await positions.committed(WORKER_GROUP))[RAW, 0]

    return asyncio.run(ask())
