"""A disk that is full costs nothing: what could not be written waits, and goes on with free space."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from roadfade.clock import wall_ms
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import RowDifference, compare
from sinks.lake.layout import bucket_directory, files, outputs, partitions
from telemetry.instants import DAY_MS, MINUTE_MS
from tests.flow.runs import Run
from tests.support.broker import new_broker
from tests.support.pace import play, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.small_disk import fill, free, small_disk
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PACED_S = 8.0
HALVES_S = 2.0
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


WITHDRAWING = "person-who-withdraws"
WITHDRAWAL = ("consent", "withdraw", "--subject", WITHDRAWING, "--purpose", "service_provision")
REGISTERING = ("register", "--device", "dongle-of-the-full-disk", "--subject", "person-of-it")


def test_one_machine_with_a_full_disk_deletes_on_loses_nothing_and_goes_on(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    with small_disk(tmp_path / "disk", 96) as disk, ThreadPoolExecutor() as threads:
        rough = disk / "rough"
        same_people(calm.state, rough)
        settings = {**calm.settings, "sweep_every_s": 0.5}
        with running_road(broker.bootstrap_servers, no_prefix_twice(), rough, **settings) as road:
            # The second half is sent while there is no room.
            filled = Event()
            playing = threads.submit(
                play, road.settings, calm.tape, HALVES_S, lambda: 1.0 if filled.is_set() else 0.5
            )
            until(lambda: figure(road, "sink", "roadfade_sink_rows_total"), "rows in the lake")
            road.known("dongle-of-who-withdraws", WITHDRAWING, wall_ms() - DAY_MS)
            road.freeze("sweep")
            due = make_due(road)
            fill(disk)
            filled.set()
            road.thaw("sweep")
            until(lambda: not any(part.exists() for part in due), "the end of all that is due")
            until(lambda: figure(road, "sweep", "roadfade_unaccounted_readings"), "that it is told")
            until(lambda: figure(road, "sink", "roadfade_paused"), "that the sink waits")
            for words in (REGISTERING, WITHDRAWAL):
                asked = road.cli(*words)
                assert (asked.code, "disk is full" in asked.err) == (1, True)
            free(disk)
            # Had it been half done, it would be refused now: there would be nothing to do.
            assert [road.cli(*words).code for words in (REGISTERING, WITHDRAWAL)] == [0, 0]
            playing.result()
            road.drained()
            until(lambda: not figure(road, "sweep", "roadfade_unaccounted_readings"), "the account")
            assert road.ended() == []
        removed = LedgerFile(rough / "ledger.sqlite").expired()
        assert set(removed) == set(outputs(calm.lake)) & set(removed)
        assert sum(removed.values()) > 0
        assert compare(calm.lake, rough / "lake") == NOTHING
        calm.same_ledger(rough)


def make_due(road: Road) -> list[Path]:
    """Copies of a part of each output as of a minute ago, whose blocks stay taken without them."""
    lake, due_ms = road.settings.lake_dir, wall_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
    held = lake.parent / "held"
    held.mkdir()
    made = []
    for output in outputs(lake):
        like = next(part for place in partitions(lake, output) for part in files(place))
        folder = bucket_directory(lake, output, due_ms, 0)
        folder.mkdir(parents=True)
        made.append(Path(shutil.copy(like, folder)))
        os.link(made[-1], held / output)
    return made
