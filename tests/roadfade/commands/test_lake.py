"""``roadfade lake check`` says what there is, and by its exit code whether it is whole."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path))
    with lake_at(tmp_path / "lake") as made:
        made.write([record(0)], NOW_MS)
    return tmp_path / "lake"


def test_a_whole_lake_is_said_to_be_whole(lake: Path) -> None:
    done = CliRunner().invoke(app, ["lake", "check"])
    assert (done.exit_code, "nothing is wrong" in done.output) == (0, True)


def test_lost_checkpoints_are_said_and_nothing_is_changed(lake: Path) -> None:
    shutil.rmtree(lake / "_checkpoints")
    done = CliRunner().invoke(app, ["lake", "check", "--json"])
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)["unproven"]) == 1
    assert len(list(lake.rglob("*.parquet"))) == 1
