"""Lakes for tests: opened, killed, opened again, and read back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from sinks.lake.columns import COLUMNS
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.steps import Hook, Step, go_on
from telemetry.instants import to_datetime
from tests.sinks.records import OUTPUTS

SETTINGS = LakeSettings(buckets=2, compression="uncompressed")


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and tidy up."""


class KillAt:
    """A hook that kills at the n-th step, from 0; remembers the steps it let pass."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed: list[Step] = []

    def __call__(self, step: Step) -> None:
        if len(self.passed) == self.at:
            raise Killed
        self.passed.append(step)


def open_lake(root: Path, settings: LakeSettings = SETTINGS, at: Hook = go_on) -> Lake:
    return Lake(root, OUTPUTS, settings, at=at, wait_s=0)


def kill(lake: Lake) -> None:
    """End a lake as a kill ends it: its lock is free, everything else stays as it is."""
    lake._workplace.abandon()


@contextmanager
def lake_at(root: Path, settings: LakeSettings = SETTINGS) -> Iterator[Lake]:
    lake = open_lake(root, settings)
    try:
        yield lake
    finally:
        lake.close()


def utc(instant_ms: int) -> datetime:
    """An instant as the lake's files hold it: UTC, without a zone."""
    return to_datetime(instant_ms).replace(tzinfo=None)


def parts(root: Path) -> list[str]:
    """Every data file, as its path in the lake."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.parquet"))


def stored(root: Path) -> list[tuple[Any, ...]]:
    """Every row on disk as (output, *columns), sorted; straight from the files."""
    pattern = str(root / "purpose=*" / "*" / "*" / "*.parquet")
    if not parts(root):
        return []
    with duckdb.connect(":memory:") as engine:
        rows = engine.read_parquet(pattern, hive_partitioning=True)
        return rows.project(", ".join(("purpose", *COLUMNS))).order("ALL").fetchall()
