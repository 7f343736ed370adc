"""The data dictionary is true: its columns are the lake's, its queries run."""

import re
from pathlib import Path

import pytest

from sinks.query.session import SHOWN, run_query
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record

PAGE = (Path(__file__).parents[2] / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def test_the_columns_are_the_lakes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE, re.MULTILINE)
    assert tuple(name for name, _ in rows) == SHOWN


def test_the_types_are_the_lakes(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE, re.MULTILINE))
    asked = ", ".join(f"typeof({name})" for name in SHOWN)
    statement = f"SELECT {asked} FROM readings LIMIT 1"  # noqa: S608  # our own column names
    found = run_query(tmp_path, "service_improve", statement, NOW_MS).rows[0]
    assert dict(zip(SHOWN, found, strict=True)) == listed


def test_there_are_queries_to_try() -> None:
    assert len(QUERIES) == 2


@pytest.mark.parametrize("query", QUERIES)
def test_its_queries_find_something(tmp_path: Path, query: str) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0, dtc=["P0301"])], NOW_MS)
    assert len(run_query(tmp_path, "service_improve", query, NOW_MS).rows) == 1
