"""The broker is killed under load and comes back: every process goes on by itself, 0 lost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadfade.local.broker import LocalBroker
from sinks.lake.digest import RowDifference, compare
from tests.flow.runs import Run
from tests.support.pace import play, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PACED_S = 12.0
AWAY_S = 2.0
"""And its own start; the producers' patience is longer, the views' is tried in test_consent."""


def test_a_broker_killed_under_load_costs_nothing_and_needs_no_help(
    killable_broker: Callable[[], LocalBroker], tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    shaky = killable_broker()
    with (
        running_road(shaky.bootstrap_servers, no_prefix_twice(), rough, **calm.settings) as road,
        ThreadPoolExecutor() as threads,
    ):
        playing = threads.submit(play, road.settings, calm.tape, PACED_S)
        until(lambda: figure(road, "sink", "roadfade_sink_rows_total"), "rows in the lake")
        for _ in range(2):
            shaky.kill9()
            time.sleep(AWAY_S)
            shaky.start()
            more_done(road)
        playing.result()
        road.drained()
        assert road.ended() == []
    assert compare(calm.lake, rough / "lake") == RowDifference(lost=0, doubled=0, alien=0)
    calm.same_ledger(rough)


def more_done(road: Road) -> None:
    """Wait until the worker has got something through since now."""
    done = figure(road, "worker-0", "roadfade_records_in_total")
    until(lambda: figure(road, "worker-0", "roadfade_records_in_total") > done, "work done")
