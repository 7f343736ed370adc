"""Stores for a walk: each can be ended and opened again, and shows its rows as they lie there."""

from pathlib import Path
from typing import Any

import duckdb

from policy.plan.plan import Plan
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.steps import Hook, go_on
from sinks.memory import MemorySink, MemoryStore
from sinks.port.allowed import Judge
from tests.sinks.contract import Both

Found = list[tuple[str, str, str, int]]


def _judge(plan: Plan) -> Judge:
    return Judge({plan.version: plan}.get)


def _topics(plan: Plan) -> dict[str, str]:
    return {one.topic: one.id for one in plan.outputs}


class MemoryShelf:
    """A store in memory."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._store = MemoryStore()

    def open(self) -> Both:
        return MemorySink(self._store, _topics(self._plan), _judge(self._plan))

    def rows(self) -> Found:
        some = self._store.rows.items()
        return [(out, row.record, row.signal, row.t_ms) for out, rows in some for row in rows]

    def close(self) -> None:
        pass


class LakeShelf:
    """A lake; each of its files is read once for each state that it had."""

    def __init__(
        self,
        plan: Plan,
        root: Path,
        settings: LakeSettings | None = None,
        at: Hook = go_on,
    ) -> None:
        self._plan, self._root, self._at = plan, root, at
        self._settings = settings or LakeSettings(buckets=4)
        self._lake: Lake | None = None
        self._engine = duckdb.connect(":memory:")
        self._read: dict[tuple[str, int, int, int], Found] = {}

    def open(self) -> Both:
        if self._lake is not None:
            self._lake.close()
        topics, judge = _topics(self._plan), _judge(self._plan)
        self._lake = Lake(self._root, topics, self._settings, judge=judge, at=self._at, wait_s=0)
        return self._lake

    def rows(self) -> Found:
        found: Found = []
        for path in self._root.rglob("*.parquet"):
            if path.relative_to(self._root).parts[0].startswith("purpose="):
                stat = path.stat()
                state = str(path), stat.st_ino, stat.st_mtime_ns, stat.st_size
                if state not in self._read:
                    self._read[state] = self._rows_of(path)
                found += self._read[state]
        return found

    def _rows_of(self, path: Path) -> Found:
        output = path.relative_to(self._root).parts[0].removeprefix("purpose=")
        rows = self._engine.read_parquet(str(path)).project("record, signal, epoch_ms(t)")
        return [(output, *row) for row in rows.fetchall()]

    def close(self) -> None:
        self._engine.close()
        if self._lake is not None:
            self._lake.close()


class PostgresShelf:
    """Tables in PostgreSQL."""

    def __init__(self, plan: Plan, database: Any) -> None:
        self._plan, self._database = plan, database
        self._sink: Any = None

    def open(self) -> Both:
        from sinks.postgres.sink import (  # noqa: PLC0415  # needs the driver
            PostgresSettings,
            PostgresSink,
        )

        self.close()
        topics, judge = _topics(self._plan), _judge(self._plan)
        self._sink = PostgresSink(
            self._database, topics, PostgresSettings(buckets=2), judge=judge, wait_s=5.0
        )
        opened: Both = self._sink
        return opened

    def rows(self) -> Found:
        from tests.sinks.postgres.stores import asked  # noqa: PLC0415  # needs the driver

        found: Found = []
        # Their view shows readers no row that has ended by the server's own clock.
        for number, output in asked(self._database, "SELECT number, output FROM _outputs"):
            statement = f"SELECT record, signal, t_ms FROM _rows_{number}"  # noqa: S608  # a number
            found += [(output, *row) for row in asked(self._database, statement)]
        return found

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()
            self._sink = None
