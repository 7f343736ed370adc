"""``roadfade run --locked``: the whole road, each process as a principal of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from policy.plan.limits import Limits
from roadfade.in_force.plans import compile_policy
from roadfade.settings import Settings
from tests.support.broker import libs_and_java

pytestmark = [pytest.mark.broker, pytest.mark.long]
RUN_S_MAX = 300.0
DENIED = ("AuthorizationFailed", "AUTHORIZATION_FAILED", "Authorization failed")


def test_every_output_is_delivered_and_no_process_is_denied_anything(tmp_path: Path) -> None:
    libs_and_java()
    state, summary = tmp_path / "state", tmp_path / "summary.json"
    clean = {name: text for name, text in os.environ.items() if not name.startswith("KAFKA_")}
    done = subprocess.run(
        [sys.executable, "-m", "roadfade", "run", "--locked", "--for", "40s", "--vehicles", "8",
         "--summary", str(summary)],
        env={**clean, "ROADFADE_STATE_DIR": str(state)}, cwd=tmp_path, capture_output=True,
        text=True, timeout=RUN_S_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    ledger = json.loads(summary.read_text())["ledger"]
    outputs = {
        output.id for output in compile_policy(Settings(state_dir=tmp_path), Limits()).outputs
    }
    assert {name for name, row in ledger.items() if row["delivered"] > 0} == outputs
    logs = [*(state / "run" / "logs").iterdir()]
    assert {log.stem for log in logs} == {"gateway", "office", "sink", "sweep", "worker"}
    for log in logs:
        assert not [word for word in DENIED if word in log.read_text()], log.stem
    assert " is Denied " not in (state / "run" / "kafka" / "broker.log").read_text()
