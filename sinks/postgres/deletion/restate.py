"""Giving rows kept under older versions of the policy the end the new one sets.

In: a store, and ends under the version in force. Out: the rows in the partitions of their new end,
each with the version that decided it; rows that may not stay are gone. Safe beside a writer and a
sweep. One erasure or restatement at a time per store. Everything here blocks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from sinks.port.results import Restated
from sinks.port.sink import Ends
from sinks.postgres import locks
from sinks.postgres.connection import Connection, named
from sinks.postgres.counts import Part, Place, add_count, held, parts
from sinks.postgres.deletion.log import pass_log
from sinks.postgres.deletion.patience import patiently
from sinks.postgres.deletion.rewrite import take_out
from sinks.postgres.names import leaf_table, rows_table
from sinks.postgres.steps import Hook, Step
from sinks.postgres.tables import COLUMNS, add_part, hold_part
from telemetry.instants import DAY_MS
from telemetry.kept import End, Kept
from telemetry.wire.record import MESH

REWRITTEN_MAX: Final = 20
"""Partitions rewritten in one turn: an expiry sweep must run between turns."""
LOOKED_AT_MAX: Final = 200
"""Partitions looked at in one turn."""
_GROUPS: Final = sql.SQL(
    "SELECT policy_version, signal, decided_by, t_ms / {day}, max(t_ms), min(t_ms), count(*)"
    " FROM {part} WHERE policy_version = ANY(%s) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)
_IN_GROUPS: Final = sql.SQL(
    "EXISTS (SELECT FROM unnest(%(versions)s::text[], %(signals)s::text[], %(decided)s::int[],"
    " %(days)s::bigint[]) AS one (version, name, by, day) WHERE policy_version = one.version"
    " AND signal = one.name AND decided_by = one.by AND t_ms / {} = one.day)"
).format(sql.Literal(DAY_MS))
_STAYING: Final = sql.SQL(", ").join(
    named(name) for name, _ in COLUMNS if name not in ("expires_ms", "decided_by")
)
_MOVE: Final = sql.SQL(
    "WITH moved AS (INSERT INTO {rows} ({names}, expires_ms, decided_by)"
    " SELECT {names}, %(end)s, %(by)s FROM {part} WHERE {moving}"
    " RETURNING policy_version, signal)"
    " SELECT policy_version, count(*), count(*) + count(*) FILTER (WHERE signal = %(mesh)s)"
    " FROM moved GROUP BY 1"
)


class _Group(NamedTuple):
    """Rows of a partition that share version, column, who decided, and day; they end together."""

    policy_version: str
    signal: str
    decided_by: int
    day: int
    last_ms: int
    first_ms: int
    rows: int


class Restatement:
    """Remembers what is as the version in force wants it; judges rows anew only if some came."""

    def __init__(self, schema: str, at: Hook) -> None:
        self._schema = schema
        self._at = at
        self._policy_version = ""
        self._judged: dict[tuple[Place, str], int] = {}

    def run(self, connection: Connection, ends: Ends, now_ms: int) -> Restated:
        """One turn: judge some partitions, rewrite those that must be; ``left`` counts the rest.

        Idempotent. StoreTakenError while an erasure or another restatement runs.
        """
        if ends.policy_version != self._policy_version:
            self._policy_version, self._judged = ends.policy_version, {}
        turn = _Turn(connection, self._schema, self._at, ends, now_ms)
        failed = looked_at = 0
        with locks.held(connection, self._schema, locks.CHANGING):
            waiting = [
                (part, versions)
                for part in parts(connection)
                if part.place.expires_ms > now_ms and (versions := self._waiting(part))
            ]
            for part, versions in waiting[:LOOKED_AT_MAX]:
                if turn.files >= REWRITTEN_MAX:
                    break
                looked_at += 1
                try:
                    turn.part(part, versions)
                except psycopg.Error:
                    if connection.closed:
                        raise
                    failed += 1
                    continue
                self._judged |= {(part.place, one): part.rows[one] for one in versions}
            self._judged = {key: rows for key, rows in self._judged.items() if key[0] in turn.there}
            if turn.files:
                pass_log(connection)
        left = len(waiting) - looked_at
        return Restated(turn.files, turn.moved, turn.removed, turn.unjudged, left, failed)

    def _waiting(self, part: Part) -> list[str]:
        """The versions of which there are rows that were not judged yet."""
        return [
            version
            for version, rows in part.rows.items()
            if self._judged.get((part.place, version)) != rows
            # Theirs is the version that decides: they were judged if ever they were.
            and not (version == self._policy_version and (part.place, version) in self._judged)
        ]


class _Turn:
    """One turn over a store: what it has done so far."""

    def __init__(
        self, connection: Connection, schema: str, at: Hook, ends: Ends, now_ms: int
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._at = at
        self._ends = ends
        self._now_ms = now_ms
        self.there = {part.place for part in parts(connection)}
        self.files = 0
        self.moved: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.unjudged = 0

    def part(self, part: Part, versions: Sequence[str]) -> None:
        """Restate the rows of these versions in one partition."""
        by_end, unjudged = self._judge(part, versions)
        self.unjudged += unjudged
        if not by_end:
            return
        leaves = [leaf_table(*part.place, bucket) for bucket in range(part.buckets)]
        tables = [rows_table(part.place.output), part.place.table, *leaves]
        done = patiently(
            self._connection, self._schema, tables, lambda: self._rewrite(part, by_end)
        )
        if not done:
            return
        self.files += 1
        for end, groups in by_end.items():
            rows = sum(group.rows for group in groups)
            (self.removed if end.expires_ms <= self._now_ms else self.moved)[part.output] += rows

    def _judge(self, part: Part, versions: Sequence[str]) -> tuple[dict[End, list[_Group]], int]:
        """The groups that end otherwise, by their end, and rows of which nothing is known."""
        by_end: dict[End, list[_Group]] = {}
        unjudged = 0
        for group in self._groups(part.place, versions):
            kept = Kept(
                part.output,
                group.policy_version,
                group.signal,
                part.place.expires_ms,
                group.decided_by,
                group.last_ms,
            )
            end = self._ends.end_of(kept)
            if end is None:
                unjudged += group.rows
            elif end.expires_ms != part.place.expires_ms:
                by_end.setdefault(end, []).append(group)
        return by_end, unjudged

    def _groups(self, place: Place, versions: Sequence[str]) -> Iterable[_Group]:
        statement = _GROUPS.format(day=sql.Literal(DAY_MS), part=named(place.table))
        for found in self._connection.execute(statement, (list(versions),)).fetchall():
            version, signal, *numbers = found
            yield _Group(version, signal, *numbers)

    def _rewrite(self, part: Part, by_end: Mapping[End, Sequence[_Group]]) -> bool:
        """Move and take out, in one transaction; False if a sweep took the partition meanwhile."""
        moving = {end: groups for end, groups in by_end.items() if end.expires_ms > self._now_ms}
        if not self._hold(part, moving):
            return False
        for end, groups in sorted(moving.items()):
            self._move(part.place, end, groups)
        gone = [group for groups in by_end.values() for group in groups]
        take_out(self._connection, part.place, part.buckets, _IN_GROUPS, _asked(gone))
        self._at(Step.MOVED)
        return True

    def _hold(self, part: Part, moving: Mapping[End, Sequence[_Group]]) -> bool:
        """Hold the partition and those of the new ends, in order; make those that are not there."""
        oldest = {part.place.expires_ms: 0}
        for end, groups in moving.items():
            first_ms = min(group.first_ms for group in groups)
            oldest[end.expires_ms] = min(first_ms, oldest.get(end.expires_ms, first_ms))
        made = []
        for expires_ms in sorted(oldest):
            place = Place(part.place.output, expires_ms)
            if place == part.place:
                if held(self._connection, place) is None:
                    return False
            elif hold_part(self._connection, *place, part.buckets, oldest[expires_ms]):
                made.append(place)
        for place in made:
            add_part(self._connection, *place, part.buckets)
        return True

    def _move(self, place: Place, end: End, groups: Sequence[_Group]) -> None:
        statement = _MOVE.format(
            rows=named(rows_table(place.output)),
            names=_STAYING,
            part=named(place.table),
            moving=_IN_GROUPS,
        )
        asked = {**_asked(groups), "end": end.expires_ms, "by": end.decided_by, "mesh": MESH}
        for version, rows, readings in self._connection.execute(statement, asked).fetchall():
            target = Place(place.output, end.expires_ms)
            add_count(self._connection, target, version, rows, readings)


def _asked(groups: Sequence[_Group]) -> dict[str, object]:
    return {
        "versions": [group.policy_version for group in groups],
        "signals": [group.signal for group in groups],
        "decided": [group.decided_by for group in groups],
        "days": [group.day for group in groups],
    }
