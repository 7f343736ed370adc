"""``roadfade backup`` and ``roadfade restore``: what they say, and by which exit code."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from roadfade.cli import app
from tests.roadfade.backup.house import NOW_MS, House

DAY_MS = 86_400_000


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path)
    made.furnish()
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(made.settings.state_dir))
    monkeypatch.setenv("ROADFADE_BACKUP_DIR", str(made.places.data))
    monkeypatch.setenv("ROADFADE_BACKUP_KEYS_DIR", str(made.places.keys))
    at(monkeypatch, NOW_MS)
    yield made
    made.end()


def at(monkeypatch: pytest.MonkeyPatch, now_ms: int) -> None:
    for module in ("backup", "restore"):
        monkeypatch.setattr(f"roadfade.commands.{module}.wall_ms", lambda: now_ms)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_backup_is_made_listed_verified_and_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = json.loads(run("backup", "create", "--json").stdout)
    assert made["data"]["counts"]["lake_rows"] == 16
    assert made["data"]["name"] == made["keys"]["name"]
    (listed,) = json.loads(run("backup", "list", "--json").stdout)["backups"]
    assert (listed["name"], listed["ended"], listed["keys"]) == (made["data"]["name"], False, True)
    assert "ends 2026-12-27T11:00:00Z" in run("backup", "list").stdout
    assert run("backup", "verify").exit_code == 0
    assert run("backup", "expire").stdout == "none has ended\n"

    at(monkeypatch, NOW_MS + 35 * DAY_MS)
    assert "it has ended" in run("backup", "list").stdout
    assert json.loads(run("backup", "expire", "--json").stdout)["removed"] == [listed["name"]]
    assert run("backup", "list").stdout == "there is no backup there\n"
    del house


def test_a_flipped_byte_is_named(house: House) -> None:
    name = json.loads(run("backup", "create", "--json").stdout)["data"]["name"]
    file = house.places.keys / name / "keyring.sqlite"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run("backup", "verify", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"whole": False, "wrong": {name: ["keys: keyring.sqlite"]}}


def test_a_file_that_nobody_copied_there_is_named(house: House) -> None:
    name = json.loads(run("backup", "create", "--json").stdout)["data"]["name"]
    (house.places.data / name / "more").write_text("")
    assert json.loads(run("backup", "verify", "--json").stdout)["wrong"] == {name: ["more"]}


def test_without_both_folders_it_is_asked_wrongly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROADFADE_BACKUP_DIR")
    monkeypatch.delenv("ROADFADE_BACKUP_KEYS_DIR")
    done = run("backup", "create", "--to", str(house.places.data))
    assert (done.exit_code, "name both folders" in done.output) == (2, True)
    for words in ((), ("--from", "x"), ("drill",)):
        assert run("restore", *words).exit_code == 2


def test_keys_beside_data_are_refused_as_json(house: House, tmp_path: Path) -> None:
    words = ("--to", str(tmp_path / "b"), "--keys-to", str(tmp_path / "b" / "keys"), "--json")
    done = run("backup", "create", *words)
    assert done.exit_code == 1
    assert "lie beside its data" in json.loads(done.stdout)["refused"]
    del house


def test_a_restore_says_what_it_did_and_what_is_next(house: House) -> None:
    name = json.loads(run("backup", "create", "--json").stdout)["data"]["name"]
    words = ("--from", str(house.places.data / name), "--keys", str(house.places.keys / name))
    refused = run("restore", *words, "--json")
    assert refused.exit_code == 1
    assert "move these away" in json.loads(refused.stdout)["refused"]
    house.lose()
    done = run("restore", *words)
    assert done.exit_code == 0
    assert f"restored {name}" in done.stdout
    assert "16 readings in the lake" in done.stdout
    house.open()


def test_a_drill_answers_by_its_exit_code_and_is_listed(house: House) -> None:
    name = json.loads(run("backup", "create", "--json").stdout)["data"]["name"]
    done = run("restore", "drill", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["holds"], found["rows"]) == (0, True, 16)
    (house.places.data / name / "office.sqlite").write_bytes(b"")
    done = run("restore", "drill")
    assert done.exit_code == 1
    assert "is not what was copied there" in done.output


def test_what_the_machine_refuses_as_backups_end_is_said_with_the_remedy(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/backups/keys")

    def broken(*_: object, **__: object) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/backups/data")

    monkeypatch.setattr("roadfade.backup.kept.expire", refused)
    done = run("backup", "expire")
    assert (done.exit_code, done.stdout) == (1, "")
    said = " ".join(done.stderr.split())
    assert "/backups/keys cannot be removed (Permission denied): allow this user" in said
    monkeypatch.setattr("roadfade.backup.kept.expire", broken)
    told = json.loads(run("backup", "expire", "--json").stdout)
    assert "see what lies there" in told["refused"]
    monkeypatch.setattr("roadfade.backup.kept.backups", refused)
    for word in ("list", "verify"):
        done = run("backup", word)
        assert (done.exit_code, "cannot be read" in done.stderr) == (1, True)
    del house
