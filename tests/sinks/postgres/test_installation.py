"""An installation whose settings say so keeps its rows in PostgreSQL, and never says how."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr, ValidationError

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

from policy.plan.plan import Plan
from roadfade.commands import config
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from roadfade.stores import (
    check_store,
    holdings_of,
    open_sink,
    places_of,
    query,
    store_of,
    what_to_rebucket,
)
from roadfade.terminal.answers import carry_out
from sinks.port.results import Unreadable
from sinks.postgres.connection import Database
from tests.sinks.postgres.stores import done
from tests.sinks.records import NOW_MS, OUTPUT_A, OUTPUTS, A, record

AWAY = "postgresql://u:secret@127.0.0.1:1/x"


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(
        store="postgres",
        postgres_dsn=SecretStr(database.dsn),
        postgres_schema=database.schema,
        state_dir=tmp_path,
    )


def no_plan(number: int) -> Plan | None:
    return None


def test_its_sink_and_its_sweep_find_one_store(settings: Settings) -> None:
    sink = open_sink(settings, OUTPUTS, no_plan)
    written = sink.write([record(0)], NOW_MS)
    sink.close()
    # Records are held against their version of the policy, as in a lake.
    assert written.rejected == {Unreadable.UNKNOWN_POLICY: 1}
    places: Mapping[tuple[str, int], object] = places_of(settings)
    assert places.keys() == {(A, 0)}
    assert holdings_of(settings).positions[A, 0] == 1
    assert store_of(settings).exists()
    assert check_store(settings, NOW_MS).strange == ()


def test_what_only_a_lake_can_is_refused(settings: Settings) -> None:
    for ask in (
        lambda: query(settings, OUTPUT_A, "SELECT 1", NOW_MS),
        lambda: what_to_rebucket(settings),
    ):
        with pytest.raises(Refusal, match="not in a lake"):
            ask()


def test_a_store_of_a_later_version_is_said_before_anything_starts(
    settings: Settings, database: Database
) -> None:
    open_sink(settings, OUTPUTS, no_plan).close()
    done(database, "UPDATE _meta SET value = '9999' WHERE key = 'version'")
    with pytest.raises(NotReady, match="9999"):
        open_sink(settings, OUTPUTS, no_plan)
    assert "9999" in (check_store(settings, NOW_MS).refused or "")


def test_a_server_that_does_not_answer_is_no_store_that_was_never_made(tmp_path: Path) -> None:
    away = Settings(store="postgres", postgres_dsn=SecretStr(AWAY), state_dir=tmp_path)
    store = store_of(away)
    assert store.exists()
    assert store.written_ms() is None
    with pytest.raises(OSError, match="cannot be reached"):
        store.expire(NOW_MS)


def test_a_command_says_that_it_cannot_be_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = Settings(store="postgres", postgres_dsn=SecretStr(AWAY), state_dir=tmp_path)
    with pytest.raises(NotReady, match="cannot be reached"):
        open_sink(away, OUTPUTS, no_plan)
    with pytest.raises(typer.Exit):
        carry_out(lambda: typer.echo(len(store_of(away).outputs())))
    said = capsys.readouterr()
    assert "the store cannot be used" in said.err + said.out
    assert "secret" not in said.err + said.out


def test_how_it_is_reached_is_shown_nowhere(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config, "settings", lambda: settings)
    config.show(as_json=True)
    config.show()
    dsn = settings.postgres_dsn.get_secret_value() if settings.postgres_dsn else ""
    shown = capsys.readouterr().out + repr(settings)
    assert dsn and "postgres_dsn" in shown
    assert dsn not in shown and dsn.split(":")[2].split("@")[0] not in shown


def test_postgres_without_a_way_to_it_is_no_setting() -> None:
    with pytest.raises(ValidationError, match="postgres_dsn"):
        Settings(store="postgres")
