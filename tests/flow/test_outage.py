"""The broker is killed under load and comes back: every process goes on by itself, 0 lost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.simulation.fleet import Fleet
from roadfade.clock import wall_ms
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import Difference, compare
from telemetry.instants import DAY_MS, MINUTE_MS
from tests.support.pace import enrolled, play, readings_in, recorded, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(400)]

SEED = 20262
PACED_S = 12.0
AWAY_S = 2.0
"""And its own start; the producers' patience is longer, the views' is tried in test_consent."""


def test_a_broker_killed_under_load_costs_nothing_and_nobody_has_to_help(
    killable_broker: Callable[[], LocalBroker], broker: LocalBroker, tmp_path: Path
) -> None:
    now_ms = wall_ms() // MINUTE_MS * MINUTE_MS
    fleet = Fleet(20, SEED)
    tape = recorded(fleet, now_ms - 4 * DAY_MS, now_ms - 4 * DAY_MS + 5 * MINUTE_MS)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    enrolled(calm, fleet, SEED, now_ms)
    fixed = {"fixed_now_ms": now_ms, "sweep_every_s": 3600}
    with running_road(broker.bootstrap_servers, no_prefix_twice(), calm, **fixed) as road:
        play(road.settings, tape)
        road.drained()
    same_people(calm, rough)
    shaky = killable_broker()
    with (
        running_road(shaky.bootstrap_servers, no_prefix_twice(), rough, **fixed) as road,
        ThreadPoolExecutor() as threads,
    ):
        playing = threads.submit(play, road.settings, tape, PACED_S)
        until(lambda: figure(road, "sink", "roadfade_sink_rows_total"), "rows in the lake")
        for _ in range(2):
            shaky.kill9()
            time.sleep(AWAY_S)
            shaky.start()
            more_done(road)
        playing.result()
        road.drained()
        assert road.ended() == []
    assert compare(calm / "lake", rough / "lake") == Difference(lost=0, doubled=0, alien=0)
    ledger = LedgerFile(rough / "ledger.sqlite").read()
    assert ledger == LedgerFile(calm / "ledger.sqlite").read()
    assert ledger.closes
    rejected = sum(ledger.rejected.values())
    assert {row.entered + rejected for row in ledger.outputs.values()} == {readings_in(tape)}


def more_done(road: Road) -> None:
    """Wait until the worker has got something through since now."""
    done = figure(road, "worker-0", "roadfade_records_in_total")
    until(lambda: figure(road, "worker-0", "roadfade_records_in_total") > done, "work done")
