"""The whole road goes back to a backup: nobody who was erased since comes with it, and nobody else lacks.

A backup is made while the sink writes, one person is erased and another withdraws; more is driven.
Then office, ledger and lake are lost, the backup is restored, and the processes start again over
topics that still hold everything.
"""

import shutil
from pathlib import Path

import pytest

from roadfade.clock import wall_ms
from roadfade.local.broker import LocalBroker
from sinks.lake.digest import lake_digest
from telemetry.instants import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.flow.own_places import LEAVES, POSITIONS, STAYS, WITHDRAWS, driven, positions_of
from tests.support.pace import play
from tests.support.road import no_prefix_twice, running_road
from tests.support.watching import until

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PEOPLE = (LEAVES, STAYS, WITHDRAWS)


def test_a_lost_installation_comes_back_without_who_left(
    broker: LocalBroker, tmp_path: Path
) -> None:
    state, data, keys = tmp_path / "state", tmp_path / "data", tmp_path / "keys"
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state) as road:
        now_ms = wall_ms() // MINUTE_MS * MINUTE_MS
        for subject in PEOPLE:
            road.known(f"dongle-of-{subject}", subject, now_ms - 24 * HOUR_MS)
        times_ms = [now_ms - 2 * HOUR_MS + n * 20 * SECOND_MS for n in range(6)]
        play(road.settings, [driven(one, at_ms) for one in PEOPLE for at_ms in times_ms[:4]])
        made = road.cli("backup", "create", "--to", str(data), "--keys-to", str(keys), "--json")
        assert made.code == 0, made.out + made.err
        name = made.json()["data"]["name"]
        play(road.settings, [driven(one, at_ms) for one in PEOPLE for at_ms in times_ms[4:]])
        road.drained()
        assert {positions_of(road, one) for one in PEOPLE} == {6 * POSITIONS}

        leaves = ("person", "erase", "--subject", LEAVES, "--yes", "--wait", "60")
        assert road.cli(*leaves).code == 0
        withdraws = (
            "consent",
            "withdraw",
            "--subject",
            WITHDRAWS,
            "--purpose",
            "service_provision",
        )
        assert road.cli(*withdraws, "--erase", "--wait", "60").code == 0
        until(lambda: not positions_of(road, WITHDRAWS), "that what rested on it is gone")
        until(lambda: not positions_of(road, LEAVES), "that all of them is gone")
        road.drained()
        road.stop_all()
        before = lake_digest(road.settings.lake_dir)

        for path in (road.settings.office_path, road.settings.ledger_path):
            for one in path.parent.glob(f"{path.name}*"):
                one.unlink()
        shutil.rmtree(road.settings.lake_dir)
        restored = road.cli(
            "restore", "--from", str(data / name), "--keys", str(keys / name), "--json"
        )
        assert restored.code == 0, restored.out + restored.err
        assert positions_of(road, LEAVES) == positions_of(road, WITHDRAWS) == 0

        road.start("office", "sink", "sweep", "worker")
        until(lambda: positions_of(road, STAYS) == 6 * POSITIONS, "that topics are read again")
        road.drained(folded=False)
        # Everything that the topics hold was read again, of those who left, too.
        assert lake_digest(road.settings.lake_dir) == before
        # They asked to be forgotten, and that was not done yet as all was lost: it is asked again.
        shown = road.cli("person", "show", "--subject", LEAVES, "--json").json()
        assert sum(one["readings"] for one in shown["outputs"]) == 0
        asked = road.cli("person", "requests", "--subject", LEAVES, "--json").json()["requests"]
        assert [(one["kind"], one["whole_person"]) for one in asked] == [("erase", True)]
        later = [driven(one, now_ms - HOUR_MS) for one in PEOPLE]
        play(road.settings, later)
        until(lambda: positions_of(road, STAYS) == 7 * POSITIONS, "that the road goes on")
        assert positions_of(road, LEAVES) == positions_of(road, WITHDRAWS) == 0
