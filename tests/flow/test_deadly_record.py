"""A record at which a process dies each time: it is found and counted, and costs no other."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.loops.attempts import ATTEMPTS_MAX
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import RowDifference, compare
from telemetry.topics import RAW
from tests.flow.runs import Run
from tests.support.deadly import deaths_in, dying_at
from tests.support.pace import plan_of, play, same_people
from tests.support.poison import Dose, give, lying
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, labelled, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

MARK = "01K00000000000000000DEADLY"
RESTARTED_S_MAX = 900.0
PROCESS = {"worker": "worker-0", "sink": "sink"}


def restarting(road: Road, role: str, true: Callable[[], object], what: str) -> None:
    """Start a process again whenever it died, as a supervisor does, until a condition holds."""

    def holds() -> object:
        for name in road.ended():
            assert name == role
            road.kill(name)  # nothing is left of it but what watches it
            road.spawn(name)
        return true()

    until(holds, what, RESTARTED_S_MAX)


def deadly_for_workers(road: Road, calm: Run) -> Dose:
    """An envelope of the fleet's under an id that no other has."""
    real = calm.tape[len(calm.tape) // 2]
    value = re.sub(rb'"id":"[^"]+"', b'"id":"%s"' % MARK.encode(), real.value or b"", count=1)
    assert value != real.value
    return Dose(RAW, real.key, value)


def deadly_for_sinks(road: Road, calm: Run) -> Dose:
    """A purpose record as a worker makes it, under an id that no other has."""
    del calm
    for output in plan_of(road.settings).outputs:
        for real in lying(road, output.topic)[:1]:
            headers = dict(real.headers) | {"ce_id": MARK.encode()}
            return Dose(output.topic, real.key, real.value, list(headers.items()), real.partition)
    pytest.fail("no worker has made anything")


@pytest.mark.parametrize(
    ("role", "deadly"),
    [("worker", deadly_for_workers), ("sink", deadly_for_sinks)],
    ids=["worker", "sink"],
)
def test_a_record_at_which_every_process_dies_costs_no_other(
    broker: LocalBroker,
    tmp_path: Path,
    calm: Run,
    role: str,
    deadly: Callable[[Road, Run], Dose],
) -> None:
    rough, hook = tmp_path / "rough", tmp_path / "hook"
    same_people(calm.state, rough)
    half = len(calm.tape) // 2
    with running_road(
        broker.bootstrap_servers,
        no_prefix_twice(),
        rough,
        elsewhere={role: dying_at(hook, role, MARK)},
        **calm.settings,
    ) as road:
        play(road.settings, calm.tape[:half])
        until(lambda: figure(road, "sink", "roadfade_sink_rows_total"), "rows in the lake")
        assert deaths_in(hook) == 0
        dose = deadly(road, calm)
        give(road, [dose])
        play(road.settings, calm.tape[half:])

        def aside() -> dict[tuple[str, ...], float]:
            return labelled(road, PROCESS[role], "roadfade_quarantined_total", "topic", "reason")

        told = {(dose.topic, "deadly"): 1}
        restarting(road, role, lambda: aside() == told, "the culprit set aside")
        road.drained()
        assert road.ended() == [], "nobody dies at it any more"
        until(lambda: aside() == told, "a page that tells of one record and no other")
    # With its batch, its partition, its part and alone; the first may be in no first batch.
    assert 2 * ATTEMPTS_MAX <= deaths_in(hook) <= 1 + 4 * ATTEMPTS_MAX
    assert compare(calm.lake, rough / "lake") == RowDifference(lost=0, doubled=0, alien=0)
    calm.same_ledger(rough)
