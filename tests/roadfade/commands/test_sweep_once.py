"""``sweep --once`` says that something was removed only if it could look."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadfade.cli import app


@pytest.fixture(autouse=True)
def no_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")


def test_a_lake_that_cannot_be_looked_into_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("no folder")
    swept = CliRunner().invoke(app, ["sweep", "--once", "--json"])
    assert swept.exit_code == 1
    [wrong] = json.loads(swept.stdout)["wrong"]
    assert wrong.startswith(f"{tmp_path / 'lake'} cannot be looked into (Not a directory)")


def test_no_lake_yet_is_nothing_wrong() -> None:
    swept = CliRunner().invoke(app, ["sweep", "--once", "--json"])
    assert (swept.exit_code, json.loads(swept.stdout)["wrong"]) == (0, [])
