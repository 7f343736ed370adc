import json
import re
from pathlib import Path

import pytest

from roadfade.clock import wall_ms
from roadfade.ledger_file import LedgerFile
from telemetry.instants import DAY_MS, HOUR_MS, format_instant
from telemetry.wire.flow import OutputFlow
from tests.ingest.captures import OWN_DBC, OWN_MAP, own_drive, write
from tests.support.road import Road
from tests.support.watching import until

pytestmark = pytest.mark.broker


@pytest.mark.faults
def test_a_healthy_road_is_reported_so_and_a_killed_sink_is_named(road: Road) -> None:
    until(lambda: road.cli("status", "--json").json()["healthy"], "every process is heard")
    healthy = road.cli("status", "--json")
    assert (healthy.json()["wrong"], healthy.code) == ([], 0)
    assert {p["name"] for p in healthy.json()["processes"]} == {
        "office",
        "sink",
        "sweep",
        "worker-0",
    }
    assert {(p["state"], p["role"]) for p in healthy.json()["processes"]} == {
        ("running", role) for role in ("office", "sink", "sweep", "worker")
    }
    road.kill("sink")
    until(lambda: road.cli("status").code == 1, "the silence of the sink is noticed")
    sick = road.cli("status")
    assert re.search(r"sink on \S+ has said nothing for \d+ s", sick.out)
    assert "roadfade sink" in sick.out
    road.start("sink")
    until(lambda: road.cli("status", "--json").json()["healthy"], "the sink is heard again")
    assert road.stop("sink") == 0
    stopped = road.cli("status", "--json").json()
    assert [sentence.partition(",")[0] for sentence in stopped["wrong"]] == ["no sink runs"]
    road.start("sink")
    until(lambda: road.cli("status", "--json").json()["healthy"], "the sink is heard again")


PROXIES = ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def test_no_proxy_comes_between_status_and_the_road(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    until(lambda: road.cli("status", "--json").json()["healthy"], "every process is heard")
    found = road.cli("status", "--json")
    assert (found.json()["wrong"], found.json()["unknown"], found.code) == ([], [], 0)


def test_from_another_folder_status_is_the_same_but_for_what_lies_in_the_folder(
    road: Road, tmp_path: Path
) -> None:
    until(lambda: road.cli("status", "--json").json()["healthy"], "every process is heard")
    here = road.cli("status", "--json").json()
    away = Road(road.settings.model_copy(update={"state_dir": tmp_path}))
    found = away.cli("status", "--json")
    there = found.json()
    assert (there["wrong"], there["unknown"], found.code) == ([], [], 0)
    assert [p["name"] for p in there["processes"]] == [p["name"] for p in here["processes"]]
    assert (there["rejected"], there["overdue"]) == (None, {})
    assert {one.name for one in tmp_path.iterdir()} <= {"cache"}, "only parsed policy files"


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


def sent(device: str, at_ms: int, *values: float) -> dict[str, object]:
    return {
        "v": 1,
        "id": f"01K00000000000000{at_ms}",
        "device": device,
        "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
        "series": {
            "Vehicle.Speed": {
                "unit": "km/h",
                "dt": [n * 1000 for n in range(len(values))],
                "value": list(values),
            }
        },
    }


def test_an_envelope_is_checked_by_the_rules_it_then_meets(road: Road, tmp_path: Path) -> None:
    road.known("gateway", "owner", wall_ms() - DAY_MS)
    file = tmp_path / "two.ndjson"
    at_ms = wall_ms() - HOUR_MS
    envelopes = [sent("gateway", at_ms, 10, 20, 900), sent("gateway", at_ms + 60_000, 30)]
    file.write_text("\n".join(map(json.dumps, envelopes)))
    foretold = road.cli("publish", "--check", str(file), "--json")
    assert foretold.code == 1
    before = LedgerFile(road.settings.ledger_path).read()
    published = road.cli("publish", str(file), "--json")
    assert (published.code, published.json()["readings"]) == (0, 4)
    road.drained()
    after = LedgerFile(road.settings.ledger_path).read()
    gone = after.rejected.get("out_of_range", 0) - before.rejected.get("out_of_range", 0)
    told = foretold.json()["envelopes"]
    assert [f["readings"] for one in told for f in one["findings"]] == [gone] == [1]
    for output, row in after.outputs.items():
        earlier = before.outputs.get(output, OutputFlow())
        assert row.delivered - earlier.delivered == sum(
            one["outputs"][output]["delivered"] for one in told
        )


@pytest.mark.parametrize("command", ["publish", "replay", "obd"])
def test_an_unregistered_dongle_is_refused_before_anything_is_sent(
    road: Road, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(sent("stranger-77", wall_ms(), 10)))
    (tmp_path / "own.dbc").write_text(OWN_DBC)
    (tmp_path / "own.yaml").write_text(OWN_MAP)
    log = write(tmp_path / "candump.log", own_drive(5))
    device = ["--device", "stranger-77"]
    words = {
        "publish": [str(file)],
        "replay": [
            str(log),
            "--dbc",
            str(tmp_path / "own.dbc"),
            "--map",
            str(tmp_path / "own.yaml"),
            *device,
        ],
        "obd": ["--port", "/dev/null", *device],
    }[command]
    done = road.cli(command, *words)
    assert (done.code, done.out) == (1, "")
    assert "roadfade register" in done.err
    assert "stranger-77" not in done.err


def test_readings_of_before_the_registration_are_refused(road: Road, tmp_path: Path) -> None:
    road.known("newcomer", "owner-of-newcomer", wall_ms())
    file = tmp_path / "one.json"
    file.write_text(json.dumps(sent("newcomer", wall_ms() - HOUR_MS, 10)))
    done = road.cli("publish", str(file))
    assert done.code == 1
    assert "before_registration" in done.err
