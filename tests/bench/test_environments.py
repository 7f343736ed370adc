"""Environments of other engines are made once, and what cannot be had is named with its reason."""

from pathlib import Path

import pytest

from bench.peers import environments
from bench.peers.environments import AbsentError, java_command, python_command, reason_in


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environments, "ROOM", tmp_path)
    return tmp_path


def test_an_environment_is_made_once_and_anew_when_its_sources_change(tmp_path: Path) -> None:
    source, folder = tmp_path / "wanted", tmp_path / "engine"
    made = []

    def make() -> None:
        folder.mkdir(exist_ok=True)
        made.append(source.read_text())

    for text in ("one", "one", "two", "two"):
        source.write_text(text)
        environments._made_once(folder, [source], make)
    assert made == ["one", "two"]


def test_what_failed_to_be_made_is_tried_again(tmp_path: Path) -> None:
    source, folder = tmp_path / "wanted", tmp_path / "engine"
    source.write_text("one")
    made = []

    def make() -> None:
        folder.mkdir(exist_ok=True)
        made.append(1)
        if len(made) == 1:
            raise AbsentError

    with pytest.raises(AbsentError):
        environments._made_once(folder, [source], make)
    environments._made_once(folder, [source], make)
    assert len(made) == 2


def test_a_peer_in_java_is_absent_without_maven(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(AbsentError, match="Maven is not installed"):
        java_command("bench.Natural")
    assert not list(room.iterdir())


def test_a_peer_in_python_is_absent_if_pip_fails(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise AbsentError(reason_in("ERROR: no network", "python failed"))

    monkeypatch.setattr("venv.create", lambda *_, **__: None)
    monkeypatch.setattr(environments, "_do", fail)
    with pytest.raises(AbsentError, match="python failed: ERROR: no network"):
        python_command("bytewax", "bench.peers.bytewax_flow")


def test_a_reason_names_the_error_and_no_path() -> None:
    output = "Collecting\nERROR: no file at /somewhere/else for bytewax\nmore"
    assert reason_in(output, "pip failed") == "pip failed: ERROR: no file at for bytewax"
    assert reason_in("", "it ended with code 1") == "it ended with code 1"
