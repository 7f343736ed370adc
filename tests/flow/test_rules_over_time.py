"""A minute of one reading a second is thinned to six readings, however it is cut and carried.

Over a kill -9, a rebalance and two workers, on the shipped policy: a rule over time holds from end to
end, or it does not hold.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import pytest

from bus.records import Outgoing
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from telemetry.instants import MINUTE_MS, SECOND_MS
from tests.support.pace import play, raw
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, until
from tests.support.worlds import column, envelope

pytestmark = [pytest.mark.broker, pytest.mark.faults]

OUTPUT = "service_provision.app"
SPEED = "Vehicle.Speed"
CUTS = (1, 5, 10, 60)
VEHICLES = {f"dev-{cut:02d}-{number}": cut for cut in CUTS for number in range(2)}
PACED_S = 24.0
BY_PERSON = f"SELECT pseudonym, count(*) FROM readings WHERE signal = '{SPEED}' GROUP BY pseudonym"  # noqa: S608


def minute(device: str, cut: int, from_ms: int) -> list[Outgoing]:
    """Sixty speeds of a vehicle, one a second, in envelopes of so many."""
    return [
        raw(
            envelope(
                {SPEED: column("km/h", [40.0 + n for n in range(start, start + cut)])},
                from_ms + start * SECOND_MS,
                device=device,
                id=f"{device}-{start:016d}",
            ),
            device,
        )
        for start in range(0, 60, cut)
    ]


def together(drives: Sequence[list[Outgoing]]) -> list[Outgoing]:
    """All vehicles at once, each in its own order."""
    return [one for turn in zip_longest(*drives) for one in turn if one is not None]


def disturb(road: Road) -> int:
    """Two workers that take over from each other, once by a kill -9; how often they did."""
    until(lambda: figure(road, "worker-0", "roadfade_records_in_total"), "the first at work")
    road.kill("worker")
    road.spawn("worker")
    until(lambda: figure(road, "worker-0", "roadfade_records_in_total"), "the first again at work")
    road.spawn("worker-1")
    until(lambda: figure(road, "worker-1", "roadfade_records_in_total"), "the second at work")
    road.kill("worker-1")
    time.sleep(1)
    road.spawn("worker-1")
    return 3


def test_six_of_sixty_over_a_kill_a_rebalance_and_two_workers(
    broker: LocalBroker, tmp_path: Path
) -> None:
    with running_road(
        broker.bootstrap_servers, no_prefix_twice(), tmp_path, records_per_fetch_max=5
    ) as road:
        from_ms = (int(time.time() * 1000) // MINUTE_MS - 10) * MINUTE_MS
        for number, device in enumerate(VEHICLES):
            road.known(device, f"person-{number}", from_ms - MINUTE_MS)
        tape = together([minute(device, cut, from_ms) for device, cut in VEHICLES.items()])
        with ThreadPoolExecutor() as threads:
            disturbing = threads.submit(disturb, road)
            # The tape's end waits until all is disturbed, so that every state was rebuilt for it.
            play(road.settings, tape, PACED_S, lambda: 1.0 if disturbing.done() else 0.9)
            assert disturbing.result() == 3
        road.drained()
        found = dict(road.rows(OUTPUT, BY_PERSON))
        recalled = figure(road, "worker-0", "roadfade_recalled_records_total")

    assert recalled, "what was before was never read again"
    assert sorted(found.values()) == [6] * len(VEHICLES)
    flow = LedgerFile(tmp_path / "ledger.sqlite").read().outputs[OUTPUT]
    assert flow.closes
    assert flow.entered == 60 * len(VEHICLES)
    assert flow.withheld == {"thinned": 54 * len(VEHICLES)}
