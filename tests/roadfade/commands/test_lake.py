"""``roadfade lake check`` says what there is, and by its exit code whether it is whole."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

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


def test_migrate_says_what_it_would_do_then_does_it_once(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lake_at(lake) as made:
        for offset in range(1, 9):
            made.write([record(offset, pseudonym=f"PERSON-{offset}")], NOW_MS)
        while made.join(NOW_MS):
            pass
    monkeypatch.setenv("ROADFADE_LAKE_BUCKETS", "5")
    monkeypatch.setattr("roadfade.commands.lake_migrate.wall_ms", lambda: NOW_MS)
    before = sorted(lake.rglob("*.parquet"))
    seen = json.loads(run("--dry-run", "--json").stdout)
    assert sorted(lake.rglob("*.parquet")) == before
    assert (seen["buckets_before"], seen["buckets"], seen["dry_run"]) == ([2], 5, True)
    done = json.loads(run("--json").stdout)
    assert (done["rewritten"], done["left"]) == (seen["parts"], 0)
    assert done["rows"] == seen["rows"] > 0
    assert "0 parts of 0 rows were rewritten into 5 buckets" in run().output


def test_migrate_is_refused_while_a_sink_lives(lake: Path) -> None:
    with lake_at(lake):
        done = CliRunner().invoke(app, ["lake", "migrate"])
    assert (done.exit_code, "stop it first" in done.output) == (1, True)


def test_migrate_fails_if_parts_are_left(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lake_at(lake) as made:
        for offset in range(1, 9):
            made.write([record(offset, pseudonym=f"PERSON-{offset}")], NOW_MS)
        while made.join(NOW_MS):
            pass
    monkeypatch.setenv("ROADFADE_LAKE_BUCKETS", "5")
    next(lake.rglob("bucket=0?/*.parquet")).write_bytes(b"PAR1 is not enough")
    monkeypatch.setattr("roadfade.commands.lake_migrate.wall_ms", lambda: NOW_MS)
    done = CliRunner().invoke(app, ["lake", "migrate"])
    assert (done.exit_code, "1 parts stay as they are" in done.output) == (1, True)


def test_migrate_without_a_lake_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path))
    for options in ([], ["--dry-run"]):
        done = CliRunner().invoke(app, ["lake", "migrate", *options])
        assert (done.exit_code, "there is no lake here" in done.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


def run(*options: str) -> Result:
    done = CliRunner().invoke(app, ["lake", "migrate", *options])
    assert done.exit_code == 0, done.output
    return done
