"""Topics of a road that runs are ended by force: the lake keeps its rows, the broker's files none.

The road goes on after it, and a broker that is killed brings nothing back.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from telemetry.topics import RAW
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import labelled

pytestmark = [pytest.mark.broker, pytest.mark.faults]

OUTPUT: Final = "service_improve"
TOPICS: Final = (RAW, f"purpose.{OUTPUT}")
CANARY: Final = b"canary-77f1d0c3ab"
COUNT: Final = "SELECT count(*) FROM readings"


def plant(road: Road) -> None:
    """A canary on each raw partition, in no envelope: the worker rejects it."""

    async def send() -> None:
        broker = connection_of(road.settings)
        records = [Outgoing(RAW, n, b"k", CANARY) for n in range(road.settings.partitions)]
        async with Publisher(broker, clock=wall_ms, compression=None) as publisher:
            await publisher.publish(records)

    asyncio.run(send())


def holding(folder: Path) -> list[Path]:
    """Files of the broker that hold it; indexes hold offsets alone."""
    found = []
    for one in folder.rglob("*"):
        # The broker writes and removes files of its own meanwhile.
        with suppress(FileNotFoundError):
            if one.is_file() and "index" not in one.name and CANARY in one.read_bytes():
                found.append(one)
    return found


def begins(road: Road) -> dict[tuple[str, int], int]:
    async def ask() -> dict[tuple[str, int], int]:
        async with connection_of(road.settings).positions() as positions:
            return await positions.begin(dict.fromkeys(TOPICS, road.settings.partitions))

    return asyncio.run(ask())


def drive(road: Road, seed: int) -> int:
    """Let a fleet drive; how many rows of the output the lake has then."""
    told = road.cli("simulate", "--vehicles", "5", "--seed", str(seed), "--for", "4s")
    assert told.code == 0, told.err
    road.drained()
    return int(road.rows(OUTPUT, COUNT)[0][0])


def test_what_was_read_goes_for_good_and_the_road_goes_on(
    killable_broker: Callable[[], LocalBroker], tmp_path: Path
) -> None:
    machine = killable_broker()
    logs = machine.log.parent / "kafka"
    with running_road(machine.bootstrap_servers, no_prefix_twice(), tmp_path / "state") as road:
        rows = drive(road, 11)
        plant(road)
        road.drained()
        assert rows > 0
        assert holding(logs)

        looked = road.cli("topics", "force-end", RAW, "--output", OUTPUT, "--dry-run", "--json")
        assert [one["topic"] for one in looked.json()["topics"]] == list(TOPICS)
        assert holding(logs)
        refused = road.cli("topics", "force-end", RAW, "--json")
        assert "--yes" in refused.json()["refused"]

        done = road.cli("topics", "force-end", RAW, "--output", OUTPUT, "--yes", "--json")
        told = done.json()["topics"]
        assert (done.code, [one["done"] for one in told]) == (0, [True, True]), (told, done.err)
        assert {one["files"] for one in told} == {"none"}
        assert holding(logs) == []
        began = begins(road)
        assert road.rows(OUTPUT, COUNT) == [(rows,)]

        machine.kill9()
        machine.start()
        assert holding(logs) == []
        assert begins(road) == began
        assert drive(road, 12) > rows
        # What closed the segments was no envelope and no record, and is counted as such.
        rejected = LedgerFile(road.settings.ledger_path).read().rejected
        assert rejected["no_payload"] == road.settings.partitions
        counted = labelled(road, "sink", "roadfade_sink_rejected_total", "reason")
        assert counted == {("missing_header",): road.settings.partitions}
        shown = road.cli("topics", "show", "--json").json()["topics"]
        assert [one["topic"] for one in shown if one["drift"]] == []
        assert road.cli("audit", "reconcile", "--json").json()["findings"] == []
