"""The engine's catalogue is looked through once in a process, and says the same each time."""

import duckdb
import pytest

from sinks.query import functions
from sinks.query.functions import functions_of


def test_the_engine_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "_known", {})
    with duckdb.connect() as engine:
        found = functions_of(engine)
    # A closed engine answers nothing any more.
    assert functions_of(engine) is found


def test_a_function_that_reads_files_or_settings_is_not_harmless() -> None:
    with duckdb.connect() as engine:
        found = functions_of(engine)
    assert {"count", "round", "now"} <= found.harmless
    assert not found.harmless & {"read_parquet", "getenv", "current_setting", "pragma_version"}
    assert "round" in found.scalar
    assert "count" not in found.scalar
