"""A purpose topic is deleted, made anew and filled past the sink's place: refused, then kept once.

Both runs play one tape; a topic that was made anew in the middle must make no difference in the end.
"""

import asyncio
from pathlib import Path

import pytest

from roadfade.in_force.broker import connection_of
from roadfade.local.broker import LocalBroker
from roadfade.stores import places_of
from sinks.lake.digest import RowDifference, compare
from tests.flow.runs import Run
from tests.integration.bus_road import make_anew
from tests.support.pace import play, same_people
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import labelled, until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

TOPIC = "purpose.service_improve"
STOPPED = "roadfade_sink_topic_stopped"
BEFORE = 0.25
"""This part of the tape is in the lake before; the rest makes the new topic longer than the old."""


def stopped(road: Road) -> bool:
    """Whether the sink says that it keeps nothing of the topic."""
    return (TOPIC,) in labelled(road, "sink", STOPPED, "topic")


def grown_past(road: Road) -> bool:
    """Whether every partition of the topic ends behind the lake's place in it."""

    async def ends() -> dict[tuple[str, int], int]:
        async with connection_of(road.settings).positions() as positions:
            return await positions.end({TOPIC: road.settings.partitions})

    places = places_of(road.settings)
    return all(end > places[at].next_offset > 0 for at, end in asyncio.run(ends()).items())


@pytest.mark.parametrize("runs", [True, False], ids=["while the sink runs", "while it is stopped"])
def test_a_topic_made_anew_and_filled_past_the_place_is_refused_then_kept_once(
    broker: LocalBroker,
    tmp_path: Path,
    calm: Run,
    runs: bool,  # noqa: FBT001  # the case
) -> None:
    rough = tmp_path / "rough"
    same_people(calm.state, rough)
    first = int(len(calm.tape) * BEFORE)
    # Only before a write are ids asked for here: nothing is noticed while the topic is empty.
    settings = {**calm.settings, "topic_ids_every_s": 600}
    with running_road(broker.bootstrap_servers, no_prefix_twice(), rough, **settings) as road:
        play(road.settings, calm.tape[:first])
        road.drained()
        if not runs:
            road.stop("sink")
        asyncio.run(make_anew(connection_of(road.settings), TOPIC))
        play(road.settings, calm.tape[first:])
        until(lambda: grown_past(road), "a topic that is longer than it was")
        if not runs:
            road.start("sink")
        until(lambda: stopped(road), "a sink that refuses the topic")
        refused(road)
        assert road.cli("lake", "adopt", TOPIC).code == 0
        until(lambda: not stopped(road), "a sink that adopted the topic")
        road.drained()
        assert road.ended() == []
    assert compare(calm.lake, rough / "lake") == RowDifference(lost=0, doubled=0, alien=0)


def refused(road: Road) -> None:
    """Hold what the installation says of it: what, where and the remedy."""
    status = road.cli("status")
    assert status.code == 1
    assert f"{TOPIC} was deleted and made anew" in status.out
    assert f"`roadfade lake adopt {TOPIC}`" in status.out
    assert f"{TOPIC} was deleted and made anew" in (road.settings.state_dir / "sink.log").read_text(
        encoding="utf-8"
    )
    tried = road.cli("lake", "adopt", TOPIC, "--dry-run", "--json").json()
    assert not tried["ordered"]
    assert tried["records"] > 0
    assert stopped(road)
