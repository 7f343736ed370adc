"""Records that somebody else wrote, on every topic, while a fleet drives: they cost nobody else."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaError

from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import RowDifference, compare
from telemetry.topics import AUDIT_FLOW, CONTROL_OF_WORKERS, RAW
from tests.flow.runs import Run
from tests.support.pace import plan_of, play, same_people
from tests.support.poison import (
    BOMB_MIB,
    NEW_KEYS,
    RAW_REJECTED,
    Dose,
    audit_doses,
    cleaned,
    control_doses,
    drop_bombs,
    every_row_replaced,
    give,
    lying,
    purpose_doses,
    raw_doses,
    strange_envelopes,
)
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, labelled, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PACED_S = 6.0
MEMORY_BYTES_MAX = 400 * 1024 * 1024
"""A process without poison comes to some 200 MiB; the bomb alone would be 500."""
NOTHING = RowDifference(lost=0, doubled=0, alien=0)


class Half:
    """How much of the tape may be out: half of it, until the rest is let go."""

    share = 0.5

    def __call__(self) -> float:
        return self.share


class Driving(NamedTuple):
    road: Road
    tape: Half
    playing: Future[None]


@contextmanager
def half_played(broker: LocalBroker, calm: Run, state: Path, **settings: Any) -> Iterator[Driving]:
    """A road in the middle of the tape; it goes on when asked to."""
    settings = calm.settings | settings
    same_people(calm.state, state)
    half = Half()
    with (
        running_road(broker.bootstrap_servers, no_prefix_twice(), state, **settings) as road,
        ThreadPoolExecutor() as threads,
    ):
        playing = threads.submit(play, road.settings, calm.tape, PACED_S, half)
        try:
            until(lambda: figure(road, "sink", "roadfade_sink_rows_total"), "rows in the lake")
            yield Driving(road, half, playing)
        finally:
            half.share = 1.0


def let_go(driving: Driving) -> None:
    driving.tape.share = 1.0
    driving.playing.result()
    driving.road.drained()


def unharmed(road: Road) -> None:
    """No process ended, and none grew to what a bomb would make of it."""
    assert road.ended() == []
    for name in ("worker", "sink"):
        assert road.peak_memory_bytes(name) < MEMORY_BYTES_MAX, name


def test_poison_among_the_data_is_counted_and_the_rest_arrives(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    with half_played(broker, calm, rough) as driving:
        road = driving.road
        doses: list[Dose] = []
        refused = Counter[str]()
        for output in plan_of(road.settings).outputs:
            for real in lying(road, output.topic)[:1]:
                for reason, dose in purpose_doses(output, real):
                    doses.append(dose)
                    refused[reason] += 1
        audit = list(audit_doses())
        give(road, [*doses, *raw_doses(), *audit])
        bombed = (RAW, AUDIT_FLOW, doses[0].topic)
        drop_bombs(road, bombed)
        let_go(driving)
        unharmed(road)
        rejected = labelled(road, "sink", "roadfade_sink_rejected_total", "reason")
        assert rejected == {(reason,): count for reason, count in refused.items()}
        aside = labelled(road, "worker-0", "roadfade_quarantined_total", "topic", "reason")
        assert aside == {
            (RAW, "unpacking"): 1,
            (AUDIT_FLOW, "undecodable"): len(audit),
            (AUDIT_FLOW, "unpacking"): 1,
        }
        aside = labelled(road, "sink", "roadfade_quarantined_total", "topic", "reason")
        assert aside == {(bombed[2], "unpacking"): 1}
        assert figure(road, "worker-0", "roadfade_expired_unread_total") == 0
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough, besides=RAW_REJECTED)


@pytest.mark.parametrize("topic", CONTROL_OF_WORKERS)
def test_poison_on_a_control_topic_waits_and_loses_nothing(
    broker: LocalBroker, tmp_path: Path, calm: Run, topic: str
) -> None:
    rough = tmp_path / "rough"
    with half_played(broker, calm, rough) as driving:
        road = driving.road
        # Such a topic takes no record without a key, from anybody.
        with pytest.raises(KafkaError):
            give(road, [Dose(topic, None, b"garbage")])
        doses = list(control_doses(topic, lying(road, topic)))
        give(road, doses)

        def aside() -> float:
            found = labelled(road, "worker-0", "roadfade_quarantined_total", "topic", "reason")
            return sum(count for (where, _), count in found.items() if where == topic)

        until(lambda: aside() == len(doses), "everything set aside")
        until(lambda: figure(road, "worker-0", "roadfade_paused"), "a worker that waits")
        driving.tape.share = 1.0
        driving.playing.result()
        unharmed(road)
        give(road, cleaned(topic))
        assert road.cli("office", "republish").code == 0
        road.drained()
        unharmed(road)
        assert not figure(road, "worker-0", "roadfade_paused")
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough)


def test_an_office_that_starts_takes_poison_out_of_its_topics(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    with half_played(broker, calm, rough) as driving:
        road = driving.road
        for topic in CONTROL_OF_WORKERS:
            give(road, control_doses(topic, lying(road, topic)))
            # Rows can lie where their keys do not belong.
            give(road, [Dose(topic, key, b"{}", partition=n) for n in (0, 1) for key in NEW_KEYS])
        until(lambda: figure(road, "worker-0", "roadfade_paused"), "a worker that waits")
        road.stop("office")
        road.start("office")
        let_go(driving)
        unharmed(road)
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough)


def test_every_row_of_every_topic_replaced_costs_nobody_a_reading(
    broker: LocalBroker, tmp_path: Path, calm: Run
) -> None:
    rough = tmp_path / "rough"
    with half_played(broker, calm, rough, heartbeat_every_s=5.0) as driving:
        road = driving.road
        outputs = [one for one in plan_of(road.settings).outputs if lying(road, one.topic)]
        refused = Counter[str]()
        doses = [*audit_doses()]
        for output in outputs:
            for reason, dose in purpose_doses(output, lying(road, output.topic)[0]):
                doses.append(dose)
                refused[reason] += 1
        envelopes = [*raw_doses(), *strange_envelopes()]
        control = [
            dose
            for topic in CONTROL_OF_WORKERS
            for dose in every_row_replaced(topic, lying(road, topic), road.settings.partitions)
        ]
        give(road, [*doses, *envelopes, *control])
        bombed = (RAW, AUDIT_FLOW, *CONTROL_OF_WORKERS, *[output.topic for output in outputs])
        for codec in BOMB_MIB:
            drop_bombs(road, bombed, codec)

        def reasons(process: str) -> set[str]:
            return {why for (why,) in labelled(road, process, "roadfade_paused", "reason")}

        for process in ("worker-0", "sink"):
            until(lambda process=process: reasons(process), f"{process} waits")  # type: ignore[misc]  # bound now
            assert {why.split()[0] for why in reasons(process)} <= {"incomplete", "unreadable"}
        driving.tape.share = 1.0
        driving.playing.result()
        unharmed(road)
        republished = road.cli("office", "republish", "--json")
        assert republished.code == 0
        # Rows under new keys, and rows out of their place.
        assert republished.json()["foreign"] >= len(CONTROL_OF_WORKERS) * len(NEW_KEYS)
        road.drained()
        unharmed(road)
        assert not reasons("worker-0")
        assert not reasons("sink")
        aside = labelled(road, "worker-0", "roadfade_quarantined_total", "topic", "reason")
        assert {
            (topic, "unpacking") for topic in (RAW, AUDIT_FLOW, *CONTROL_OF_WORKERS)
        } <= aside.keys()
        assert {(topic, "misplaced") for topic in CONTROL_OF_WORKERS} <= aside.keys()
        rejected = labelled(road, "sink", "roadfade_sink_rejected_total", "reason")
        assert rejected == {(reason,): count for reason, count in refused.items()}
        raw_refused = labelled(road, "worker-0", "roadfade_rejected_total", "reason")
        ours = {reason: int(count) for (reason,), count in raw_refused.items()}
        before = LedgerFile(calm.state / "ledger.sqlite").read().rejected
        besides = {
            reason: count - before.get(reason, 0)
            for reason, count in ours.items()
            if count > before.get(reason, 0)
        }
    assert sum(besides.values()) == len(envelopes)
    assert compare(calm.lake, rough / "lake") == NOTHING
    calm.same_ledger(rough, besides=besides)
