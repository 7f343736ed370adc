"""A process that stands still past its session, or is cut off, costs nothing and doubles nothing."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bus.ports import ReaderSettings
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import RowDifference, compare
from tests.flow.runs import Run
from tests.support.network import RemoteBroker, network_to
from tests.support.pace import play, same_people
from tests.support.road import no_prefix_twice, running_road
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PACED_S = 8.0
AT_ONCE_S = 1.0
TRICKLE_S = 240.0
PAST_SESSION_S = ReaderSettings().session_timeout_ms / 1000 + 4
WAKING_S = 3.0
"""Until a thawed process has sent what it had in hand."""
NOTHING = RowDifference(lost=0, doubled=0, alien=0)


def test_a_sink_frozen_past_its_session_loses_and_doubles_nothing(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    with (
        running_road(broker.bootstrap_servers, no_prefix_twice(), rough, **calm.settings) as road,
        ThreadPoolExecutor() as threads,
    ):
        playing = threads.submit(play, road.settings, calm.tape, PACED_S)
        until(lambda: figure(road, "sink", "roadfade_sink_rows_total"), "rows in the lake")
        road.freeze("sink")
        time.sleep(PAST_SESSION_S)
        playing.result()
        road.thaw("sink")
        road.drained()
        assert road.ended() == []
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough)


def test_a_worker_cut_off_past_its_session_loses_and_doubles_nothing(
    tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    far = RemoteBroker(tmp_path / "far")
    away = {"worker": {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{far.network_port}"}}
    with (
        far,
        network_to(far.network_port, far.behind_port) as network,
        running_road(
            far.bootstrap_servers, no_prefix_twice(), rough, elsewhere=away, **calm.settings
        ) as road,
        ThreadPoolExecutor() as threads,
    ):
        playing = threads.submit(play, road.settings, calm.tape, PACED_S)
        until(lambda: figure(road, "worker-0", "roadfade_records_in_total"), "records processed")
        network.cut()
        time.sleep(PAST_SESSION_S)
        playing.result()
        # Else the network was not cut, and nothing is shown.
        assert figure(road, "worker-0", "roadfade_records_in_total") < len(calm.tape)
        network.mend()
        road.drained()
        assert road.ended() == []
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough)


@pytest.mark.parametrize("frozen", ["worker", "worker-1"])
def test_a_worker_frozen_past_its_session_leaves_the_ledger_exact(
    broker: LocalBroker, tmp_path: Path, calm: Run, frozen: str
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    # Fetches so small, and so much at once, that the process is frozen with one in hand.
    few = {"records_per_fetch_max": 20, **calm.settings}
    with running_road(broker.bootstrap_servers, no_prefix_twice(), rough, **few) as road:
        road.start("worker-1")
        page = {"worker": "worker-0", "worker-1": "worker-1"}[frozen]
        began, at_work = time.monotonic(), threading.Event()

        def share() -> float:
            """A trickle until the group has given it partitions, then all the rest at once."""
            return 1.0 if at_work.is_set() else (time.monotonic() - began) / TRICKLE_S

        def done() -> float:
            return figure(road, page, "roadfade_records_in_total")

        with ThreadPoolExecutor() as threads:
            playing = threads.submit(play, road.settings, calm.tape, AT_ONCE_S, share)
            until(done, "records processed")
            at_work.set()
            first = done()
            until(lambda: done() > first, "more records processed")
            road.freeze(frozen)
            playing.result()
        time.sleep(PAST_SESSION_S)
        # Its successor has done everything, and said so on audit.flow, before it wakes; the frozen
        # one may hold the ledger's file.
        road.drained(folded=False)
        road.thaw(frozen)
        time.sleep(WAKING_S)
        road.drained()
        assert road.ended() == []
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough)
