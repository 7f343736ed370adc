"""``roadfade audit reconcile`` before it asks a broker: which ledger, and whether it can be read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from roadfade.ledger_file import LedgerFile


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    return tmp_path


def asked(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", "reconcile", *words])
    return done.exit_code, done.output


def test_without_a_ledger_it_says_where_it_looked_and_makes_none(state: Path) -> None:
    code, said = asked()
    assert (code, str(state / "ledger.sqlite") in said, "--ledger" in said) == (1, True, True)
    assert not (state / "ledger.sqlite").exists()


def test_a_named_file_that_is_none_is_wrong_usage(state: Path) -> None:
    code, said = asked("--ledger", str(state))
    assert (code, "name a copy of a ledger" in said) == (2, True)


def test_a_damaged_ledger_is_refused_with_a_remedy(state: Path) -> None:
    (state / "ledger.sqlite").write_bytes(b"no database" * 100)
    code, said = asked()
    assert (code, "cannot be read" in said, "backup" in said) == (1, True, True)


def test_without_a_broker_it_says_so(state: Path) -> None:
    LedgerFile(state / "ledger.sqlite")
    code, said = asked("--json")
    assert (code, "no broker answers" in said) == (1, True)
