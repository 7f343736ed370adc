"""``roadfade config show``: each setting with its value and where it comes from."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from roadfade.settings import Settings


def test_each_setting_is_shown_with_its_value_and_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roadfade.toml").write_text("partitions = 7\n")
    environment = {"ROADFADE_TOPIC_PREFIX": "t.", "COLUMNS": "200"}
    shown = CliRunner().invoke(app, ["config", "show", "--json"], env=environment)
    assert shown.exit_code == 0
    found = {one["name"]: one for one in json.loads(shown.stdout)["settings"]}
    assert set(found) == set(Settings.model_fields)
    assert found["partitions"] == {
        "name": "partitions", "value": 7, "origin": "toml", "from": str(tmp_path / "roadfade.toml"),
    }  # fmt: skip
    assert found["topic_prefix"]["from"] == "ROADFADE_TOPIC_PREFIX"
    assert (found["replication"]["value"], found["replication"]["origin"]) == (1, "default")
    lines = CliRunner().invoke(app, ["config", "show"], env=environment).stdout
    assert all(name in lines for name in found)
    assert "environment (ROADFADE_TOPIC_PREFIX)" in lines


def test_a_password_in_an_address_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "sasl://user:hush@kafka:9092", "COLUMNS": "200"}
    for words in (["config", "show"], ["config", "show", "--json"]):
        shown = CliRunner().invoke(app, words, env=environment).stdout
        assert "hush" not in shown
        assert "********@kafka:9092" in shown
