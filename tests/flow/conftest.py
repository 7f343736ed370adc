"""The one undisturbed run that all tests of faults are held against."""

import pytest

from ingest.simulation.fleet import Fleet
from roadfade.clock import wall_ms
from roadfade.local.broker import LocalBroker
from telemetry.instants import HOUR_MS, MINUTE_MS
from tests.flow.runs import Run, calm_run

SEED = 20261
VEHICLES = 30
RECORDED_MS = 10 * MINUTE_MS


@pytest.fixture(scope="session")
def calm(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Ten minutes of thirty vehicles, judged an hour ago under the first version."""
    now_ms = wall_ms() // MINUTE_MS * MINUTE_MS - HOUR_MS
    state = tmp_path_factory.mktemp("calm") / "calm"
    fleet = Fleet(VEHICLES, SEED)
    return calm_run(broker.bootstrap_servers, state, fleet, SEED, now_ms, RECORDED_MS)
