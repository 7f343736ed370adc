import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from roadfade.commands import query
from roadfade.commands.query import output_of
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from sinks.lake.lake import Lake
from telemetry.instants import parse_instant
from tests.sinks.records import A, record
from tests.support.plans import PLAN, lane, output, plan

NOW_MS = parse_instant("2026-11-22T11:00:00Z")
OUTPUT = "service_improve"
TWO = plan(
    *(
        replace(
            output("service", [lane("30d", 30, 1000, {})], recipient), id=f"service.{recipient}"
        )
        for recipient in ("app", "ops")
    )
)


@contextmanager
def wrong_usage(capsys: pytest.CaptureFixture[str], said: str) -> Iterator[None]:
    with pytest.raises(typer.Exit) as ended:
        yield
    assert ended.value.exit_code == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(
        query,
        "policy_here",
        lambda *_: plan(output(OUTPUT, [lane("30d", 30, 1000, {})]), *PLAN.outputs),
    )
    monkeypatch.setattr(query, "wall_ms", lambda: NOW_MS)
    found = Settings(state_dir=tmp_path)
    lake = Lake(found.lake_dir, {A: OUTPUT})
    lake.write([record(0, pseudonym="P")], NOW_MS)
    lake.close()
    return found


def test_rows_come_as_one_object_with_times_in_utc(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    select = "SELECT t, number, text FROM readings"
    query.main(settings, OUTPUT, None, select, None, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "output": OUTPUT,
        "columns": ["t", "number", "text"],
        "rows": [["2026-11-22T10:00:00Z", 43.5, None], ["2026-11-22T10:00:01Z", 44.0, None]],
        "truncated": False,
        "unreadable_files": 0,
    }


def test_rows_are_written_as_csv(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    query.main(settings, OUTPUT, None, "SELECT number FROM readings", file, as_json=False)
    assert file.read_text().split() == ["number", "43.5", "44.0"]
    assert capsys.readouterr().out == "2 rows written\n"


def test_a_table_longer_than_a_screen_says_what_it_leaves_out(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    select = "SELECT n FROM range(600) AS r(n)"
    query.main(settings, OUTPUT, None, select, None, as_json=False)
    captured = capsys.readouterr()
    assert "499" in captured.out
    assert "500" not in captured.out
    assert captured.err == "100 more rows are not shown: add LIMIT, or write --csv\n"


@pytest.mark.parametrize(
    ("purpose", "statement", "said"),
    [
        (OUTPUT, "DELETE FROM readings", "only one SELECT"),
        (OUTPUT, "SELECT nothing FROM readings", "nothing"),
        ("service", "SELECT 1 FROM readings", "no rows of 'service' were ever kept here"),
    ],
)
def test_what_may_not_run_is_refused_in_words(
    settings: Settings, purpose: str, statement: str, said: str
) -> None:
    with pytest.raises(Refusal, match=said):
        query.main(settings, purpose, None, statement, None, as_json=False)


def test_a_file_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "rows.csv"
    with pytest.raises(Refusal, match=r"rows.csv cannot be written \(No such file"):
        query.main(settings, OUTPUT, None, "SELECT 1 FROM readings", file, as_json=False)


def test_an_output_is_meant_by_its_purpose_its_recipient_or_its_id() -> None:
    assert output_of(PLAN, [], "research", None) == "research"
    assert output_of(PLAN, [], "sharing", "insurer") == "sharing"
    assert output_of(PLAN, ["research.team"], "research.team", None) == "research.team"


def test_what_the_policy_in_force_closes_is_not_opened(capsys: pytest.CaptureFixture[str]) -> None:
    with wrong_usage(capsys, "no such purpose or output"):
        output_of(PLAN, ["left.the_policy"], "left.the_policy", None)


def test_a_recipient_that_a_purpose_has_not_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with wrong_usage(capsys, "name one with --recipient: team"):
        output_of(PLAN, [], "research", "nobody")


@pytest.mark.parametrize(
    ("purpose", "recipient", "said"),
    [
        ("service", None, "name one with --recipient: app, ops"),
        ("service", "nobody", "name one with --recipient: app, ops"),
        ("nonsense", None, "the policy has: service.app, service.ops"),
    ],
)
def test_a_purpose_that_is_none_or_several_is_wrong_usage(
    purpose: str, recipient: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with wrong_usage(capsys, said):
        output_of(TWO, [], purpose, recipient)
