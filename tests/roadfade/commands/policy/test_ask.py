"""roadfade policy: exit 0 holds, 1 the document or a case fails, 2 wrong usage."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from policy.language import yaml_text
from policy.language.problems import Findings
from roadfade.cli import policy_app as app
from tests.support.documents import FILES

RUNNER = CliRunner()
EXPLAIN = ["explain", "--signal", "Vehicle.Speed", "--purpose", "product_rnd"]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The small document, which names signals the shipped catalogue lacks in part, bent."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("precision: P2", "precision: P9"), encoding="utf-8")
    return tmp_path


def test_check_holds_for_the_shipped_document() -> None:
    result = RUNNER.invoke(app, ["check", "--json"])
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert shown["holds"] is True
    assert {"service_provision.app", "product_rnd"} <= {output["id"] for output in shown["outputs"]}


def test_check_shows_people_the_outputs() -> None:
    result = RUNNER.invoke(app, ["check"])
    assert result.exit_code == 0
    assert "product_rnd" in result.stdout


def test_an_answer_that_goes_into_a_pipe_is_neither_broken_nor_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = RUNNER.invoke(app, ["check"]).stdout.splitlines()
    assert not any("…" in line for line in lines)
    [row] = [line for line in lines if "third_party_provision │ third_party" in line]
    assert "12 months" in row
    [held] = [line for line in RUNNER.invoke(app, EXPLAIN).stdout.splitlines() if "│ keep" in line]
    assert "24 months at most, from ingest; gone by" in held
    monkeypatch.setenv("COLUMNS", "80")
    assert all(len(line) <= 80 for line in RUNNER.invoke(app, EXPLAIN).stdout.splitlines())


def test_a_folder_that_may_not_be_read_is_told_and_nothing_else(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are not missing, so what does not hold without them is no problem of the document."""
    scan = os.scandir

    def closed(folder: Any = ".") -> Any:
        if Path(folder).name == "purposes":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", closed)
    told = RUNNER.invoke(app, ["check", "--policy", str(broken)])
    assert (told.exit_code, told.stdout) == (1, (
        "purposes:1:1: error: the folder cannot be read: Permission denied; allow this user to read "
        "and enter it\n"
    ))  # fmt: skip


def test_a_document_is_read_once_where_a_state_folder_keeps_what_was_read(
    broken: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(state))
    words = ["check", "--json", "--policy", str(broken)]
    read, texts = yaml_text.read_yaml, list[str]()

    def counted(name: str, text: str, findings: Findings) -> Any:
        texts.append(name)
        return read(name, text, findings)

    monkeypatch.setattr(yaml_text, "read_yaml", counted)
    first = RUNNER.invoke(app, words)
    assert len(texts) == len(FILES)
    assert RUNNER.invoke(app, words).output == first.output
    assert len(texts) == len(FILES), "nothing is read again"
    changed = broken / "policy.yaml"
    changed.write_text(changed.read_text() + "# changed\n")
    RUNNER.invoke(app, words)
    assert texts[len(FILES) :] == ["policy.yaml"]
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(state / "none"))
    assert RUNNER.invoke(app, words).output == first.output
    assert not (state / "none").exists()


def test_check_of_a_broken_document_fails_and_says_where(broken: Path) -> None:
    result = RUNNER.invoke(app, ["check", "--json", "--policy", str(broken)])
    shown = json.loads(result.stdout)
    assert result.exit_code == 1
    assert shown["holds"] is False
    assert shown["problems"][0]["file"] == "purposes/study.yaml"
    assert shown["problems"][0]["line"] == 13


@pytest.mark.parametrize(
    "command", [["check"], ["test"], EXPLAIN, [*EXPLAIN, "--json"], ["test", "--json"]]
)
def test_a_document_that_does_not_compile_fails_every_command(
    command: list[str], broken: Path
) -> None:
    result = RUNNER.invoke(app, [*command, "--policy", str(broken)])
    assert result.exit_code == 1
    assert "unknown precision" in result.output.replace("\n", " ")


def test_test_runs_the_cases() -> None:
    result = RUNNER.invoke(app, ["test", "--json"])
    shown = json.loads(result.stdout)
    assert (result.exit_code, shown["failed"]) == (0, [])
    assert shown["cases"] > 50
    assert "0 failed" in RUNNER.invoke(app, ["test"]).stdout


def test_a_failing_case_fails_the_command(broken: Path) -> None:
    page = broken / "purposes" / "study.yaml"
    page.write_text(page.read_text().replace("precision: P9", "precision: P2"))
    (broken / "cases" / "study.yaml").write_text(
        "cases: [{signal: Vehicle.Speed, to: team, expect: withhold forbidden}]"
    )
    result = RUNNER.invoke(app, ["test", "--json", "--policy", str(broken)])
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["failed"]) == 1


def spoil(folder: Path, how: str) -> None:
    file = folder / "policy.yaml"
    match how:
        case "encoding":
            file.write_bytes("a: 1\ncontroller: 株式会社".encode("shift_jis"))
        case "folder":
            file.unlink()
            file.mkdir()
        case "link":
            file.unlink()
            file.symlink_to(file)
        case "nested":
            file.write_text("a: " + "[" * 1_000)
        case _:
            raise ValueError(how)


@pytest.mark.parametrize(
    ("how", "line", "remedy"),
    [
        ("encoding", 2, "save it as UTF-8"),
        ("folder", 1, "replace it with a file that you may read"),
        ("link", 1, "replace it with a file that you may read"),
        ("nested", 1, "simplify the nesting"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_with_its_remedy(
    broken: Path, how: str, line: int, remedy: str
) -> None:
    spoil(broken, how)
    for command in (["check"], ["test"], EXPLAIN):
        result = RUNNER.invoke(app, [*command, "--json", "--policy", str(broken)])
        shown = json.loads(result.stdout)
        assert (result.exit_code, shown["holds"]) == (1, False)
        told = [(p["file"], p["line"], p["remedy"]) for p in shown["problems"]]
        assert ("policy.yaml", line, remedy) in told
    plain = RUNNER.invoke(app, ["check", "--policy", str(broken)])
    assert plain.exit_code == 1
    assert "policy.yaml" in plain.output and "Traceback" not in plain.output


@pytest.mark.parametrize("page", ["notice", "record", "coverage", "generate"])
def test_a_page_that_cannot_be_written_is_wrong_usage_in_one_sentence(
    page: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    target = file / "x.html"
    command = [page, str(target)] if page == "generate" else [page, "--html", str(target)]
    result = RUNNER.invoke(app, command)
    assert result.exit_code == 2
    assert "cannot" in result.stderr and len(result.stderr.splitlines()) == 1


def test_explain_names_the_recipients_of_a_purpose_and_the_nearest_signal() -> None:
    result = RUNNER.invoke(app, [*EXPLAIN, "--recipient", "insurer"])
    assert result.exit_code == 2
    assert "it has: rnd" in result.stderr
    near = RUNNER.invoke(
        app, ["explain", "--signal", "Vehicle.Sped", "--purpose", "product_rnd", "--json"]
    )
    assert "`Vehicle.Speed`" in json.loads(near.stdout)["alternatives"][0]


def test_explain_needs_no_broker() -> None:
    when = ["--event-time", "2026-11-01T00:00:00Z", "--now", "2026-11-02T00:00:00Z"]
    result = RUNNER.invoke(app, [*EXPLAIN, *when, "--consent", "none", "--json"])
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert shown["decision"] == "deliver"
    assert shown["rules"][0]["expires_at"] == "2028-11-01T00:00:00Z"
    assert "deliver" in RUNNER.invoke(app, [*EXPLAIN, *when]).stdout


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "--signal", "Vehicle.Speed", "--purpose", "prodct_rnd"],
        ["explain", "--signal", "Vehicle.Speed", "--purpose", "service_provision"],
        ["explain", "--signal", "Vehicle.Speed"],
        [*EXPLAIN, "--consent", "perhaps"],
        [*EXPLAIN, "--now", "yesterday"],
        [*EXPLAIN, "--role", "robot"],
        [*EXPLAIN, "--now", "2026-11-02T00:00:00"],
        ["check", "--policy", "/no/such/folder"],
        ["check", "--bogus"],
        ["chekc"],
    ],
)
def test_wrong_usage_has_an_exit_code_of_its_own(command: list[str]) -> None:
    assert RUNNER.invoke(app, command).exit_code == 2


def test_explain_judges_by_the_clock_of_the_settings_or_the_instant_given() -> None:
    fixed = {"ROADFADE_FIXED_NOW_MS": "1790000000000", "ROADFADE_TOPIC_PREFIX": "test."}
    shown = json.loads(RUNNER.invoke(app, [*EXPLAIN, "--json"], env=fixed).stdout)
    assert (shown["now"], shown["event_time"]) == ("2026-09-21T14:13:20Z",) * 2
    given = [*EXPLAIN, "--now", "2026-12-01T09:30:00Z", "--json"]
    shown = json.loads(RUNNER.invoke(app, given, env=fixed).stdout)
    assert shown["now"] == "2026-12-01T09:30:00Z"


def test_explain_answers_for_facts_and_for_roles() -> None:
    asked = ["explain", "--signal", "email", "--purpose", "sales_outreach", "--recipient", "sales"]
    given = [*asked, "--consent", "given", "--json"]
    assert json.loads(RUNNER.invoke(app, given).stdout)["decision"] == "deliver"
    minor = json.loads(RUNNER.invoke(app, [*given, "--role", "minor"]).stdout)
    assert (minor["decision"], minor["reason"]) == ("withhold", "forbidden")
