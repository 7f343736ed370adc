"""A disk that is full costs nothing: what could not be written waits, and goes on with free space."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sinks.lake.digest import RowDifference, compare
from tests.flow.runs import Run
from tests.support.broker import new_broker
from tests.support.pace import play, same_people
from tests.support.road import no_prefix_twice, running_road
from tests.support.small_disk import fill, free, small_disk
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PACED_S = 8.0
NOTHING = RowDifference(lost=0, doubled=0, alien=0)


def test_a_broker_whose_disk_is_full_costs_nothing(tmp_path: Path, calm: Run) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    with (
        small_disk(tmp_path / "disk", 256) as disk,
        new_broker(disk / "broker") as broker,
        running_road(broker.bootstrap_servers, no_prefix_twice(), rough, **calm.settings) as road,
        ThreadPoolExecutor() as threads,
    ):
        playing = threads.submit(play, road.settings, calm.tape, PACED_S)
        until(lambda: figure(road, "worker-0", "roadfade_records_in_total"), "records processed")
        fill(disk)
        until(lambda: not broker.is_running, "the broker gives up its full disk")
        free(disk)
        broker.start()
        playing.result()
        road.drained()
        assert road.ended() == []
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough)
