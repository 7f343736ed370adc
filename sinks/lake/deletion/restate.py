"""Giving rows kept under older versions of the policy the end the new one sets.

In: a lake, and ends under the version in force. Out: the rows in the partitions of their new end,
whose parts name the version that decided it; rows that may not stay are deleted. Safe beside
a writer and a sweep; a reader opened meanwhile waits for the part in hand. One erasure,
restatement or merge at a time per lake. Everything here blocks.
"""

from collections import Counter
from pathlib import Path
from typing import Final

import duckdb

from sinks.lake.deletion.groups import RowGroup, copy_groups, groups_of
from sinks.lake.deletion.journal import name_of, replace, settle
from sinks.lake.format import is_of_format_1
from sinks.lake.format_1.markers import DurableOffsets
from sinks.lake.layout import STAGED, Part, Partition, bucket_directory, read_bucket, read_part
from sinks.lake.parquet import connect
from sinks.lake.publication import settle as carry_out_newest
from sinks.lake.seal import is_altered
from sinks.lake.standing import counted
from sinks.lake.steps import Hook, Step, go_on
from sinks.lake.workplace import ERASING, Workplace, clear_dead
from sinks.port.results import Restated
from sinks.port.sink import Ends
from telemetry.kept import End, Kept

REWRITTEN_MAX: Final = 200
"""Parts rewritten in one turn: an expiry sweep must run between turns."""
LOOKED_AT_MAX: Final = 2_000
"""Parts looked at in one turn."""


class Restatement:
    """Remembers which parts are as the version in force wants them; judges each once."""

    def __init__(self, root: Path, compression: str, at: Hook = go_on) -> None:
        self._root = root
        self._compression = compression
        self._at = at
        self._policy_version = ""
        self._judged: set[Path] = set()
        self._failed: set[Path] = set()

    def run(
        self,
        ends: Ends,
        now_ms: int,
        rewritten_max: int = REWRITTEN_MAX,
        looked_at_max: int = LOOKED_AT_MAX,
    ) -> Restated:
        """One turn: judge some parts, rewrite those that must be; ``left`` counts the rest.

        Idempotent. WorkplaceTakenError while an erasure, a merge or another restatement runs.
        """
        if ends.policy_version != self._policy_version:
            self._policy_version, self._judged, self._failed = ends.policy_version, set(), set()
        clear_dead(self._root)
        with (
            Workplace(self._root, ERASING) as workplace,
            connect(workplace.path / "spill") as engine,
        ):
            carry_out_newest(self._root)
            undecided = settle(self._root)
            one = _Turn(self._root, engine, workplace.path, self._compression, self._at)
            untouched = {*undecided.sources, *undecided.parts}
            waiting = [part for part in self._waiting(now_ms) if part[1] not in untouched]
            looked_at, failed = 0, len(undecided.sources)
            for place, path in waiting[:looked_at_max]:
                if one.files >= rewritten_max:
                    break
                looked_at += 1
                try:
                    if is_altered(path):
                        self._failed.add(path)
                        failed += 1
                    elif one.part(place, path, ends, now_ms):
                        self._judged.add(path)
                except (duckdb.Error, OSError):
                    # Damaged, or no room for the copy: it keeps its expiry, the rest goes on.
                    self._failed.add(path)
                    failed += 1
        left = len(waiting) - looked_at
        return Restated(one.files, one.moved, one.removed, one.unjudged, left, failed)

    def _waiting(self, now_ms: int) -> list[tuple[Partition, Path]]:
        """Parts not judged yet whose batch is durable; expired ones are the sweep's.

        Those that failed before come last: they must not keep others waiting.
        """
        durable, is_marked = DurableOffsets(self._root), is_of_format_1(self._root)
        present = [
            (one.place, one.path)
            for one in counted(self._root)
            if one.place.expires_ms > now_ms and one.path.parent.name != STAGED
        ]
        self._judged &= {path for _, path in present}
        self._failed &= {path for _, path in present}
        waiting = [
            one
            for one in present
            if one[1] not in self._judged
            and (part := read_part(one[1].name)) is not None
            and (part.batch is None or not is_marked or durable.covers(part.batch))
        ]
        return sorted(waiting, key=lambda one: one[1] in self._failed)


class _Turn:
    """One turn over a lake: what it has done so far."""

    def __init__(
        self,
        root: Path,
        engine: duckdb.DuckDBPyConnection,
        temporary: Path,
        compression: str,
        at: Hook,
    ) -> None:
        self._root = root
        self._engine = engine
        self._temporary = temporary
        self._compression = compression
        self._at = at
        self.files = 0
        self.moved: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.unjudged = 0

    def part(self, place: Partition, path: Path, ends: Ends, now_ms: int) -> bool:
        """Restate one part; return whether it is as it should be (a rewritten one is gone)."""
        part = read_part(path.name)
        if part is None:
            return True
        by_end = self._judge(place, path, part, ends)
        if all(end_ms == place.expires_ms for end_ms, _ in by_end):
            return True
        try:
            self._rewrite(place, path, part, by_end, now_ms)
        except (duckdb.Error, OSError):
            if path.exists():
                raise
            return True  # swept during the copy
        self.files += 1
        for (end_ms, _), groups in by_end.items():
            rows = sum(group.rows for group in groups)
            if end_ms <= now_ms:
                self.removed[place.output] += rows
            elif end_ms != place.expires_ms:
                self.moved[place.output] += rows
        return False

    def _judge(
        self, place: Partition, path: Path, part: Part, ends: Ends
    ) -> dict[End, list[RowGroup]]:
        by_end: dict[End, list[RowGroup]] = {}
        for group in groups_of(self._engine, path):
            kept = Kept(
                place.output,
                group.policy_version,
                group.signal,
                place.expires_ms,
                part.decided_by,
                group.last_ms,
            )
            end = ends.end_of(kept)
            if end is None:
                self.unjudged += group.rows
            by_end.setdefault(end or End(place.expires_ms, part.decided_by), []).append(group)
        return by_end

    def _rewrite(
        self,
        place: Partition,
        path: Path,
        part: Part,
        by_end: dict[End, list[RowGroup]],
        now_ms: int,
    ) -> None:
        written = []
        bucket = read_bucket(path.parent.name)
        for number, ((end_ms, decided_by), groups) in enumerate(sorted(by_end.items())):
            if end_ms <= now_ms:
                continue
            temporary = self._temporary / f"{number}.parquet"
            copy_groups(self._engine, path, temporary, groups, end_ms, self._compression)
            self._at(Step.REWRITTEN)
            folder = bucket_directory(self._root, place.output, end_ms, bucket)
            name = part._replace(restated=name_of(self._root, path), decided_by=decided_by).name
            written.append((temporary, folder / name))
        replace(self._root, path, written, self._temporary, self._at)
