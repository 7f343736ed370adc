import json
import tomllib
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from roadfade.cli import app
from roadfade.commands.vehicles import replay, signals
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.arguments import duration_s, zone
from roadfade.terminal.deferred import DeferredCommand
from roadfade.which_path import version_and_path
from tests.docs.pages import REPOSITORY
from tests.ingest.captures import own_drive, write
from tests.support.plans import PLAN

RUNNER = CliRunner()
CLI: Any = typer.main.get_command(app)
COMMANDS = ("replay", "obd", "publish", "simulate", "signals", "query", "status")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(command: str) -> None:
    done = RUNNER.invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "--json" in done.stdout


def functions(command: Any = CLI, path: str = "") -> Iterator[tuple[str, DeferredCommand]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from functions(child, f"{path} {name}")
    if isinstance(command, DeferredCommand):
        yield path.strip(), command


DEFERRED = dict(functions())


@pytest.mark.parametrize("name", DEFERRED)
def test_a_list_of_commands_says_of_each_what_it_says_of_itself(name: str) -> None:
    command = DEFERRED[name]
    assert command.get_short_help_str() == command.loaded().help.partition("\n\n")[0]
    assert command.name == command.loaded().name == name.rsplit(maxsplit=1)[-1]


def groups(command: Any = CLI, path: str = "") -> Iterator[str]:
    yield path.strip()
    for name, child in getattr(command, "commands", {}).items():
        if not isinstance(child, DeferredCommand):
            yield from groups(child, f"{path} {name}")


@pytest.mark.parametrize("name", [*groups(), *DEFERRED])
def test_whatever_has_long_help_has_the_same_in_short(name: str) -> None:
    short, long = (RUNNER.invoke(app, [*name.split(), word]) for word in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)
    assert short.stdout.startswith(f"Usage: roadfade {name}".rstrip())


def test_it_says_its_version_which_is_that_of_the_distribution() -> None:
    told = RUNNER.invoke(app, ["--version"])
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert told.exit_code == 0
    assert told.stdout == version_and_path(project["version"]) + "\n"
    assert told.stdout.startswith(f"roadfade {project['version']}, ")


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "x.log", "--dbc", "x.dbc"],
        ["replay", "x.log", "--zone", "Nowhere"],
        ["simulate", "--for", "soon"],
        ["run", "--for", "soon"],
        ["simulate", "--vehicles", "0"],
        ["publish"],
        ["publish", "x.json", "--as-known"],
        ["query", "SELECT 1"],
    ],
    ids=" ".join,
)
def test_what_is_asked_wrongly_exits_2(words: list[str]) -> None:
    assert RUNNER.invoke(app, words).exit_code == 2


def refused(words: list[str], **env: str) -> tuple[int, str]:
    """The exit and the sentence of a refusal, which has to be one object on standard output."""
    done = RUNNER.invoke(app, [*words, "--json"], env=env)
    assert done.stderr == ""
    body = json.loads(done.stdout)
    assert list(body) == ["refused"]
    return done.exit_code, body["refused"]


def test_a_refusal_is_one_object_if_json_is_asked_for(tmp_path: Path) -> None:
    exits, said = refused(["replay", str(tmp_path / "none.log")])
    assert (exits, said) == (1, "none.log is not a file: name a capture.")


JSON = [
    name
    for name, command in DEFERRED.items()
    if any(one.name == "as_json" for one in command.loaded().params)
]


READ_NOTHING = ("envelope schema",)
"""Commands that need neither settings nor files, and so have none to be wrong."""


@pytest.mark.parametrize("name", JSON)
def test_whatever_is_asked_wrongly_is_one_object_too(name: str) -> None:
    exits, said = refused([*name.split(), "--no-such-option"])
    assert (exits, said.split(";")[0]) == (2, "No such option: --no-such-option")
    assert f" {name} --help` lists what it takes" in said


@pytest.mark.parametrize("name", [name for name in JSON if name not in READ_NOTHING])
def test_no_command_with_json_answers_wrong_settings_or_files_with_nothing(
    name: str, tmp_path: Path
) -> None:
    command: Any = DEFERRED[name].loaded()
    words = name.split()
    for one in command.params:
        if one.required:
            words += [*one.opts[:1]] if one.param_type_name == "option" else []
            words.append(str(tmp_path / "none"))
    if any(one.name == "policy" for one in command.params):
        words += ["--policy", str(tmp_path / "none")]
    if name == "policy diff":
        words = ["policy", "diff", str(tmp_path / "none")]
    exits, said = refused(words, ROADFADE_METRICS_PORT="none")
    assert exits in (1, 2)
    assert said


@pytest.mark.parametrize(
    "words",
    [
        ["policy", "dry-run", "none.json"],
        ["policy", "dry-run", "none.log", "--dbc", "none.dbc", "--map", "none.yaml"],
        ["policy", "dry-run", "none.log", "--dbc", "none.dbc"],
        ["policy", "dry-run", "none.log", "--zone", "Nowhere"],
        ["policy", "explain", "--signal", "none", "--purpose", "none"],
        ["policy", "contracts", "--output", "none"],
        ["policy", "notice", "--html", "none/none.html"],
        ["policy", "diff", "policy", "none"],
        ["publish", "none.json"],
        ["publish", "none.json", "--check"],
        ["publish", "none.json", "--as-known"],
        ["simulate", "--for", "soon"],
        ["register", "--device", "d"],
        ["consent", "grant", "--subject", "s", "--purpose", "none"],
        ["unregister", "--device", "d"],
        ["office", "republish"],
        ["audit", "reconcile", "--ledger", "none"],
        ["audit", "reconcile"],
        ["topics", "apply"],
        ["topics", "show"],
    ],
    ids=" ".join,
)
def test_a_refusal_of_any_command_is_one_object(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exits, said = refused(words, ROADFADE_STATE_DIR=str(tmp_path / "state"))
    assert exits in (1, 2)
    assert said


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5s", 1.5), ("120s", 120), ("5m", 300), ("1h", 3_600)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "s", "-1s", "0", "nan", "inf", "5d", "1e999"])
def test_what_is_no_duration_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration_s(text)


@pytest.mark.parametrize("text", ["", "Nowhere", "../etc/passwd", "/etc/localtime"])
def test_what_is_no_zone_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        zone(text)


def test_frames_are_counted_and_nothing_is_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write(tmp_path / "drive.trc", own_drive(10))
    replay.count_frames(log, UTC, as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert (body["form"], body["claimed"]) == ("trc", 0)
    assert body["frames"]["read"] == body["frames"]["data"] == len(own_drive(10))
    replay.count_frames(log, UTC, as_json=False)
    assert "nothing was decoded" in capsys.readouterr().out


def test_a_file_that_is_no_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("hello")
    with pytest.raises(Refusal, match=r"x.log is in no known form"):
        replay.count_frames(tmp_path / "x.log", UTC, as_json=False)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(signals, "policy_here", lambda *_: PLAN)
    return Settings(state_dir=tmp_path)


def test_signals_are_searched_and_say_who_keeps_them(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    signals.main(settings, "SPEED km/h", as_json=True)
    [found] = json.loads(capsys.readouterr().out)["signals"]
    assert (found["path"], found["unit"], found["min"], found["max"]) == (
        "Vehicle.Speed",
        "km/h",
        0,
        400,
    )
    assert found["outputs"] == ["service", "research", "sharing"]


def test_a_signal_no_output_keeps_is_said_to_be_collected_never(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    signals.main(settings, "TraveledDistance", as_json=False)
    assert "never collected" in capsys.readouterr().out
    signals.main(settings, "no such thing", as_json=False)
    assert "no signal matches" in capsys.readouterr().err
