"""kill -9 at random moments: what was delivered is what would have been delivered anyway."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from bus.records import Outgoing
from ingest.simulation.fleet import Fleet
from roadfade.clock import wall_ms
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import Difference, compare, lake_digest
from telemetry.flow import Ledger
from telemetry.instants import DAY_MS, MINUTE_MS
from tests.support.pace import enrolled, play, readings_in, recorded, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

SEED = 20261
PACED_S = 60.0
KILLS = 10
AT_WORK_S_MAX = 1.5
"""A process is killed so soon after its first work, at most; ten starts take the rest."""
VEHICLES = 30
RECORDED_MS = 10 * MINUTE_MS
WORK = {
    "worker": ("worker-0", "roadfade_records_in_total"),
    "sink": ("sink", "roadfade_sink_rows_total"),
}


def test_ten_kills_of_worker_and_sink_lose_nothing_and_double_nothing(
    broker: LocalBroker, tmp_path: Path
) -> None:
    now_ms = wall_ms() // MINUTE_MS * MINUTE_MS
    fleet = Fleet(VEHICLES, SEED)
    # So long ago that a clock running ahead stays behind us: no reading's life then starts at
    # its reception, which differs between the two runs.
    tape = recorded(fleet, now_ms - 4 * DAY_MS, now_ms - 4 * DAY_MS + RECORDED_MS)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    enrolled(calm, fleet, SEED, now_ms)
    fixed = {"fixed_now_ms": now_ms, "sweep_every_s": 3600}
    with running_road(broker.bootstrap_servers, no_prefix_twice(), calm, **fixed) as road:
        play(road.settings, tape)
        road.drained()
    same_people(calm, rough)
    # Batches of so few that nearly every kill finds one sent and not yet committed.
    fixed["records_per_fetch_max"] = 3
    with running_road(broker.bootstrap_servers, no_prefix_twice(), rough, **fixed) as road:
        kills = play_under_kills(road, tape)
        road.drained()

    assert kills == {"worker": KILLS, "sink": KILLS}
    assert compare(calm / "lake", rough / "lake") == Difference(lost=0, doubled=0, alien=0)
    assert lake_digest(calm / "lake") == lake_digest(rough / "lake")
    assert lake_digest(calm / "lake").rows > len(tape)
    expected, found = ledger_of(calm), ledger_of(rough)
    assert found == expected
    assert found.closes
    rejected = sum(found.rejected.values())
    assert {row.entered + rejected for row in found.outputs.values()} == {readings_in(tape)}
    # A killed process gives its member id back, and its successor takes the same one.
    assert {file.name for file in (rough / "slots").iterdir()} == {"worker-0.slot", "sink-0.slot"}


def play_under_kills(road: Road, tape: Sequence[Outgoing]) -> Counter[str]:
    """Play the tape over a minute while both processes are killed again and again.

    On a slow machine the tape waits, so that its end always meets every kill.
    """
    kills = Counter[str]()

    def share() -> float:
        return (min(kills["worker"], kills["sink"]) + 1) / (KILLS + 1)

    with ThreadPoolExecutor() as threads:
        killers = [
            threads.submit(kill_at_work, road, role, Random(f"{SEED}/{role}"), kills)
            for role in WORK
        ]
        play(road.settings, tape, PACED_S, share)
        for killer in killers:
            killer.result()
    return kills


def kill_at_work(road: Road, role: str, chance: Random, kills: Counter[str]) -> None:
    """Kill a process at random moments of its work, and start it again at once."""
    process, metric = WORK[role]
    for _ in range(KILLS):
        until(lambda: figure(road, process, metric), f"{role} at work")
        time.sleep(chance.uniform(0, AT_WORK_S_MAX))
        assert road.ended() == []
        road.kill(role)
        # Counted before the new start, which then meets what is played from here on.
        kills[role] += 1
        road.spawn(role)


def ledger_of(state_dir: Path) -> Ledger:
    return LedgerFile(state_dir / "ledger.sqlite").read()
