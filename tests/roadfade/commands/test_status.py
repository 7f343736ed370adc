"""``roadfade status`` answers beside a lake full of strange files, and says how many there are."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record
from tests.sinks.strange import STRANGE


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path))
    # Nothing listens there.
    monkeypatch.setenv("ROADFADE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    with lake_at(tmp_path / "lake") as made:
        made.write([record(0)], NOW_MS)
    return tmp_path / "lake"


def strange_files(words: str) -> int:
    (told,) = [line for line in words.splitlines() if line.startswith("strange in lake")]
    return int(told.split()[-1])


@pytest.mark.parametrize("name", STRANGE)
def test_status_answers_beside_one_strange_file(lake: Path, name: str) -> None:
    STRANGE[name](lake)
    done = CliRunner().invoke(app, ["status", "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert isinstance(json.loads(done.stdout), dict)


def test_status_answers_beside_all_of_them(lake: Path) -> None:
    for make in STRANGE.values():
        make(lake)
    done = CliRunner().invoke(app, ["status", "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert isinstance(json.loads(done.stdout), dict)
