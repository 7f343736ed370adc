"""A session with an adapter down the whole road, ended by Ctrl-C."""

import json
import signal
import subprocess
import sys
import time

import pytest

from roadfade.clock import wall_ms
from roadfade.demo.process_group import child_environment
from telemetry.instants import DAY_MS
from tests.ingest.elm327 import Elm327
from tests.support.road import Road
from tests.support.since import Since

SPEED_REQUEST = "010D"
ROUNDS = 30
SESSION_S_MAX = 180.0


@pytest.mark.broker
def test_a_session_with_an_adapter_ends_in_the_same_lake(road: Road) -> None:
    road.known("plugged-in", "driver", wall_ms() - DAY_MS)
    since = Since(road)
    with Elm327() as car:
        command = [
            "obd",
            "--port",
            car.port,
            "--device",
            "plugged-in",
            "--period",
            "0.01",
            "--json",
        ]
        session = subprocess.Popen(
            [sys.executable, "-m", "roadfade", *command],
            env=child_environment(road.settings), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + SESSION_S_MAX
        while sum(r.startswith(SPEED_REQUEST) for r in list(car.requests)) < ROUNDS:
            assert session.poll() is None, session.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        session.send_signal(signal.SIGINT)
        out, err = session.communicate(timeout=SESSION_S_MAX)
    assert session.returncode == 0, err
    body = json.loads(out)
    assert body["unaccounted"] == 0
    assert body["readings"] > ROUNDS
    assert "plugged-in" not in out + err
    road.drained()
    ledger = since.ledger()
    assert ledger.rejected == {}
    assert {row.entered for row in ledger.outputs.values()} == {body["readings"]}
    assert ledger.closes
    kept = since.rows("service_provision.app", "signal, number")
    assert {number for signal, number in kept if signal == "Vehicle.Speed"} == {57.0}


@pytest.mark.broker
def test_a_port_without_an_adapter_is_said_to_have_none(road: Road) -> None:
    road.known("unplugged", "driver", wall_ms() - DAY_MS)
    done = road.cli("obd", "--port", "/dev/null", "--device", "unplugged")
    assert (done.code, done.out) == (1, "")
    assert "no adapter answered" in done.err
