"""Versions and replays: an old instant decides as it did, and a kill at a switch costs nothing."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.simulation.fleet import Fleet
from office.policy_versions import published
from office.policy_versions import record_version as put_on_record
from office.store.database import Database
from roadfade.clock import wall_ms
from roadfade.in_force.documents import own_publication
from roadfade.in_force.publishing import record_first
from roadfade.local.broker import LocalBroker
from roadfade.settings import Settings
from sinks.lake.digest import lake_digest
from sinks.lake.layout import outputs
from sinks.query.session import run_query
from telemetry.instants import HOUR_MS, MINUTE_MS
from telemetry.wire.publication import Publication
from tests.flow.runs import Run, calm_run
from tests.support.pace import play, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.times import examples
from tests.support.versions import RENAMED, Bends, document
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

SEED = 20262
VEHICLES = 8
RECORDED_MS = 2 * MINUTE_MS
PACED_S = float(examples(6))
KILLS = examples(3)
# Periods change and nothing else, and none that anybody agreed to: all rows of both versions are
# the same but for their ends.
SHORTER: Bends = {
    "purposes/service_improve.yaml": (
        ("at_most: 12 months", "at_most: 11 months"),
        ("service_improve@1", "service_improve@2"),
    ),
    "purposes/device_engineering.yaml": (
        ("cap: 400 days", "cap: 390 days"),
        ("device_engineering@1", "device_engineering@2"),
    ),
    "purposes/service_provision.yaml": (
        ("cap: 400 days", "cap: 390 days"),
        ("service_provision@1", "service_provision@2"),
    ),
    **{
        f"notices/{told}@1.yaml": ((RENAMED, f"notices/{told}@2.yaml"),)
        for told in ("service_improve", "device_engineering", "service_provision")
    },
}
ROWS = "SELECT record, pseudonym, signal, t, number, text, count(*) FROM readings GROUP BY ALL"


async def _second_on_record(state: Path, folder: Path) -> None:
    second = own_publication(Settings(policy=folder))
    async with Database.opened(Settings(state_dir=state).office_path) as database:
        await record_first(database, Settings())
        known = await published(database)
        new = Publication(
            second.policy, second.version, second.effective_ms, wall_ms(), second.files
        )
        await put_on_record(database, new, known)


def test_judged_at_an_old_instant_the_version_of_that_time_decides_all(
    broker: LocalBroker, tmp_path: Path
) -> None:
    servers, fleet = broker.bootstrap_servers, Fleet(VEHICLES, SEED)
    then_ms = wall_ms() // MINUTE_MS * MINUTE_MS - HOUR_MS
    first = calm_run(servers, tmp_path / "first", fleet, SEED, then_ms, RECORDED_MS)
    again = tmp_path / "again"
    same_people(first.state, again)
    asyncio.run(_second_on_record(again, document(tmp_path / "second", 2, SHORTER)))
    with running_road(servers, no_prefix_twice(), again, **first.settings) as road:
        play(road.settings, first.tape)
        road.drained()
    assert lake_digest(again / "lake") == lake_digest(first.lake)
    assert lake_digest(first.lake).rows > len(first.tape)


def test_kills_around_a_switch_lose_nothing_and_double_nothing(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    second = document(tmp_path / "second", 2, SHORTER)
    with running_road(
        broker.bootstrap_servers, no_prefix_twice(), rough, records_per_fetch_max=3,
        sweep_every_s=3600,
    ) as road:  # fmt: skip
        done = [0]
        with ThreadPoolExecutor() as threads:
            playing = threads.submit(
                play, road.settings, calm.tape, PACED_S, lambda: (done[0] + 1) / (KILLS + 1)
            )
            until(lambda: figure(road, "worker-0", "roadfade_records_in_total"), "a first batch")
            answer = road.cli("policy", "publish", "--policy", str(second))
            assert answer.code == 0, answer.err
            kill_around(road, done)
            playing.result()
        road.drained()
        assert road.ended() == []
    assert rows_in(rough) == rows_in(calm.state)
    versions = {row[0] for output in outputs(rough / "lake") for row in kept_under(rough, output)}
    assert versions == {"1", "2"}, "the switch fell into the tape"


def kill_around(road: Road, done: list[int]) -> None:
    """Kill the worker again and again while the version becomes known and takes over.

    The tape waits for each kill, so that its successor finds work.
    """
    for number in range(KILLS):
        time.sleep(0.4 + 0.3 * (number % 3))
        road.kill("worker")
        done[0] = number + 1
        road.spawn("worker")
        until(lambda: figure(road, "worker-0", "roadfade_records_in_total"), "the worker at work")


def rows_in(state: Path) -> Counter[tuple[object, ...]]:
    """Every row but its version and end, by output, as often as it stands."""
    found = Counter[tuple[object, ...]]()
    for output in outputs(state / "lake"):
        for *row, count in run_query(state / "lake", output, ROWS, 0).rows:
            found[(output, *row)] = int(str(count))
    return found


def kept_under(state: Path, output: str) -> Sequence[tuple[object, ...]]:
    statement = "SELECT DISTINCT policy_version[1] FROM readings"
    return run_query(state / "lake", output, statement, 0).rows
