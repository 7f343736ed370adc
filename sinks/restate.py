"""A new version of the policy gives rows kept under older ones another end.

In: a lake, and who tells when rows end now. Out: the rows in the partitions of their new end,
stamped with the version that says so; what may not stay is gone. Safe beside a writer, a query
and a sweep; one erasure or restatement at a time per lake. Everything here blocks.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from sinks.groups import Judged, copy_groups, groups_of, wholly_of
from sinks.journal import name_of, replace, settle
from sinks.layout import Partition, bucket_directory, files, partitions, read_part
from sinks.parquet import FILES_PER_QUERY_MAX, connect
from sinks.ports import Ends, Kept
from sinks.results import Restated
from sinks.steps import Hook, Step, go_on
from sinks.workplace import ERASING, Workplace, clear_dead

FILES_AT_ONCE_MAX: Final = 200
"""Parts rewritten in one go: expiring must get its turn between."""


class Restatement:
    """Remembers which parts stand as the version in force wants them; each is judged once."""

    def __init__(self, root: Path, compression: str, at: Hook = go_on) -> None:
        self._root = root
        self._compression = compression
        self._at = at
        self._policy_version = ""
        self._judged: set[Path] = set()

    def run(self, ends: Ends, now_ms: int, files_max: int = FILES_AT_ONCE_MAX) -> Restated:
        """Restate what is not yet; at most so many parts are rewritten, the rest is counted.

        Idempotent. WorkplaceTakenError while an erasure runs.
        """
        if ends.policy_version != self._policy_version:
            self._policy_version, self._judged = ends.policy_version, set()
        clear_dead(self._root)
        with (
            Workplace(self._root, ERASING) as workplace,
            connect(workplace.path / "spill") as engine,
        ):
            settle(self._root)
            pass_ = _Pass(self._root, engine, workplace.path, self._compression, self._at)
            present: set[Path] = set()
            left = 0
            for place, path in self._unjudged(engine, ends, now_ms, present):
                if pass_.files >= files_max:
                    left += 1
                elif pass_.part(place, path, ends, now_ms):
                    self._judged.add(path)
            self._judged &= present
        return Restated(pass_.files, pass_.moved, pass_.removed, pass_.unjudged, left)

    def _unjudged(
        self, engine: duckdb.DuckDBPyConnection, ends: Ends, now_ms: int, present: set[Path]
    ) -> Iterator[tuple[Partition, Path]]:
        """Parts that hold rows of another version; expired ones are the sweep's."""
        for place in [one for one in partitions(self._root) if one.expires_ms > now_ms]:
            found = files(place)
            present.update(found)
            new = [path for path in found if path not in self._judged]
            for start in range(0, len(new), FILES_PER_QUERY_MAX):
                some = new[start : start + FILES_PER_QUERY_MAX]
                current = wholly_of(engine, some, ends.policy_version)
                self._judged |= current
                yield from ((place, path) for path in some if path not in current)


class _Pass:
    """One pass over a lake: what it has done so far."""

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
        """Restate one part; whether it stands as it should (a rewritten one is no more)."""
        by_end = self._judge(place, path, ends)
        part = read_part(path.name)
        if part is None or set(by_end) <= {place.expires_ms}:
            return True
        name = part._replace(restated=name_of(self._root, path)).name
        written = []
        for number, (end_ms, judged) in enumerate(sorted(by_end.items())):
            rows = sum(group.rows for group, _ in judged)
            if end_ms <= now_ms:
                self.removed[place.output] += rows
                continue
            if end_ms != place.expires_ms:
                self.moved[place.output] += rows
            temporary = self._temporary / f"{number}.parquet"
            copy_groups(self._engine, path, temporary, judged, end_ms, self._compression)
            self._at(Step.REWRITTEN)
            bucket = int(path.parent.name.removeprefix("bucket="))
            folder = bucket_directory(self._root, place.output, end_ms, bucket)
            written.append((temporary, folder / name))
        replace(self._root, path, written, self._temporary, self._at)
        self.files += 1
        return False

    def _judge(self, place: Partition, path: Path, ends: Ends) -> dict[int, list[Judged]]:
        by_end: dict[int, list[Judged]] = {}
        for group in groups_of(self._engine, path):
            kept = Kept(
                place.output, group.policy_version, group.signal, place.expires_ms, group.last_ms
            )
            end = ends.end_of(kept)
            if end is None:
                self.unjudged += group.rows
            end_ms, said_by = end or (place.expires_ms, group.policy_version)
            by_end.setdefault(end_ms, []).append(Judged(group, said_by))
        return by_end
