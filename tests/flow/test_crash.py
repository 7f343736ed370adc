"""kill -9 at random moments: what was delivered is what would have been delivered anyway."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from bus.records import Outgoing
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import RowDifference, compare, lake_digest
from tests.flow.runs import Run
from tests.support.pace import play, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.times import examples
from tests.support.watching import figure, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

SEED = 20261
PACED_S = float(examples(60))
KILLS = examples(10)
AT_WORK_S_MAX = 1.5
"""A process is killed so soon after its first work, at most; ten starts take the rest."""
WORK = {
    "worker": ("worker-0", "roadfade_records_in_total"),
    "sink": ("sink", "roadfade_sink_rows_total"),
}


def test_ten_kills_of_worker_and_sink_lose_nothing_and_double_nothing(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    # Batches of so few that nearly every kill finds one sent and not yet committed.
    with running_road(
        broker.bootstrap_servers, no_prefix_twice(), rough, records_per_fetch_max=3, **calm.settings
    ) as road:
        kills = play_under_kills(road, calm.tape)
        road.drained()

    assert kills == {"worker": KILLS, "sink": KILLS}
    assert compare(calm.lake, rough / "lake") == RowDifference(lost=0, doubled=0, alien=0)
    assert lake_digest(calm.lake) == lake_digest(rough / "lake")
    assert lake_digest(calm.lake).rows > len(calm.tape)
    calm.same_ledger(rough)
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
