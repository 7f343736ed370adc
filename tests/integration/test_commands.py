import pytest

from roadfade.clock import wall_ms
from telemetry.instants import DAY_MS
from tests.support.road import Road

pytestmark = pytest.mark.broker


def test_a_healthy_road_is_told_so_and_a_killed_sink_is_named(road: Road) -> None:
    healthy = road.cli("status", "--json")
    assert (healthy.json()["wrong"], healthy.code) == ([], 0)
    assert {p["name"] for p in healthy.json()["processes"]} == {"office", "sink", "sweep", "worker-0"}
    road.kill("sink")
    sick = road.cli("status")
    assert sick.code == 1
    assert "sink does not answer" in sick.out
    assert "roadfade sink" in sick.out
    road.start("sink")
    assert road.cli("status", "--json").json()["healthy"]


def test_a_simulated_fleet_reaches_the_lake_and_is_queried(road: Road) -> None:
    driven = road.cli("simulate", "--vehicles", "5", "--seed", "3", "--for", "4s", "--json")
    assert driven.code == 0, driven.err
    assert driven.json()["readings"] > 0
    road.drained()
    asked = road.cli(
        "query", "--purpose", "service_improve", "SELECT count(*) AS n FROM readings", "--json"
    )
    assert asked.code == 0, asked.err
    assert asked.json()["columns"] == ["n"]
    assert asked.json()["rows"] == [[len(road.rows("service_improve"))]]
    assert asked.json()["rows"] != [[0]]


def test_smoke(road: Road) -> None:
    road.known("dongle-1", "person-1", wall_ms() - DAY_MS)
    road.drained()
