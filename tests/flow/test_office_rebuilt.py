"""The office's database is lost and the broker lives: the office comes back from its topics.

One person is being forgotten, one withdrew, one objected and one goes on; then the database is
gone. The rebuilt office publishes what lay there, its workers and sinks believe it, and what was
asked before the loss is carried out.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.local.broker import LocalBroker
from roadfade.processes.office.control_topics import lying_in
from telemetry.instants import HOUR_MS, MINUTE_MS, SECOND_MS
from telemetry.topics import is_control
from telemetry.wire.topic_contents import Contents
from tests.flow.own_places import (
    EVERYBODY,
    LEAVES,
    OBJECTS,
    POSITIONS,
    STAYS,
    WITHDRAWS,
    driven,
    positions_of,
)
from tests.support.pace import play
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

OF_PURPOSE = ("--purpose", "service_provision")


def lies(road: Road) -> dict[tuple[str, int], Contents]:
    """What every partition of the control topics holds, but for heartbeats."""

    async def read() -> dict[tuple[str, int], Contents]:
        broker = connection_of(road.settings)
        async with broker.admin() as admin:
            names = [name for name in await admin.names() if is_control(name)]
            found = await admin.describe(names)
        sizes = {name: one.partitions for name, one in found.items() if one is not None}
        return {at: rows.contents for at, rows in (await lying_in(broker, sizes)).items()}

    return asyncio.run(read())


def request_of(road: Road, subject: str) -> dict[str, Any]:
    """What a person asked for, once."""
    (found,) = road.cli("person", "requests", "--subject", subject, "--json").json()["requests"]
    assert isinstance(found, dict)
    return found


def lose_office(road: Road) -> None:
    road.kill("office")
    for one in road.settings.state_dir.glob("office.sqlite*"):
        one.unlink()


def test_an_office_that_is_lost_comes_back_from_its_topics_and_revives_nobody(
    broker: LocalBroker, tmp_path: Path
) -> None:
    with running_road(broker.bootstrap_servers, no_prefix_twice(), tmp_path / "state") as road:
        now_ms = wall_ms() // MINUTE_MS * MINUTE_MS
        for subject in EVERYBODY:
            road.known(f"dongle-of-{subject}", subject, now_ms - 24 * HOUR_MS)
        early_ms = [now_ms - 2 * HOUR_MS + n * 20 * SECOND_MS for n in range(2)]
        play(road.settings, [driven(one, at_ms) for one in EVERYBODY for at_ms in early_ms])
        road.drained()
        assert {positions_of(road, one) for one in EVERYBODY} == {2 * POSITIONS}

        withdraws = ("consent", "withdraw", "--subject", WITHDRAWS, *OF_PURPOSE)
        assert road.cli(*withdraws, "--erase", "--wait", "60").code == 0
        stop = ("person", "stop", "--subject", OBJECTS, *OF_PURPOSE)
        assert road.cli(*stop, "--wait", "60").code == 0
        road.kill("sink")  # so that the erasure is commanded, and not carried out yet
        assert road.cli("person", "erase", "--subject", LEAVES, "--yes").code == 0
        until(lambda: request_of(road, LEAVES)["state"] != "asked", "that it is commanded")
        lose_office(road)
        before = lies(road)

        looked = road.cli("office", "rebuild", "--dry-run", "--json")
        assert looked.code == 0, looked.out + looked.err
        assert (looked.json()["rebuilt"], looked.json()["lacking"]) == (False, [])
        assert not road.settings.office_path.exists()
        done = road.cli("office", "rebuild", "--json")
        assert done.code == 0, done.out + done.err
        assert done.json()["rows"]["links"] == len(EVERYBODY)
        assert done.json()["changed"]["forgetting"] == 1
        assert not any(one in done.out for one in EVERYBODY)
        again = road.cli("office", "rebuild", "--json")
        assert (again.code, "refused" in again.json()) == (1, True)

        unchanged = lies(road)
        assert unchanged == before, "nothing was written to the topics"
        road.start("office", "sink")
        road._told()  # the worker has read a heartbeat of the rebuilt office
        late = [driven(one, now_ms - HOUR_MS) for one in EVERYBODY]
        play(road.settings, late)
        until(lambda: positions_of(road, STAYS) == 3 * POSITIONS, "that the road goes on")
        until(lambda: not positions_of(road, LEAVES), "that what was commanded is carried out")
        road.drained()
        assert positions_of(road, WITHDRAWS) == 0
        assert positions_of(road, OBJECTS) == 2 * POSITIONS
        log = (road.settings.state_dir / "office.log").read_text()
        assert "control topics differ from the registry" not in log
        request = request_of(road, LEAVES)
        assert (request["kind"], request["whole_person"]) == ("erase", True)
