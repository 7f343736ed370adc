"""Erasing rows of an output from a lake: rewrite only the parts that hold any that are meant.

In: an output, and which of its rows are meant. Out: a receipt. Each part
is replaced in one rename, so a kill in between leaves it old or new, never both, and
running again finishes the work. A part that cannot be read or rewritten stops no other: the answer
says how many there were. Rows that arrive afterwards are not hindered here: the
caller has them refused first.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from sinks.lake.checkpoints import LOOKS_MAX
from sinks.lake.deletion.left_rows import left_of
from sinks.lake.deletion.meant import MEANT, asked, buckets_of
from sinks.lake.durable import sync_file, sync_if_there, write_file
from sinks.lake.layout import files, partitions
from sinks.lake.opening import clear_half_written
from sinks.lake.parquet import ROW_ORDER, connect, options, quoted, source
from sinks.lake.part_file import Appended, part_bytes, read_footer
from sinks.lake.publication import settle
from sinks.lake.room import is_for_want_of_room
from sinks.lake.seal import is_altered, seal
from sinks.lake.staged import StagedPart, staged
from sinks.lake.steps import Hook, Step, go_on
from sinks.lake.workplace import ERASING, SINK, Workplace, WorkplaceTakenError, clear_dead
from sinks.port.results import Located, Receipt
from sinks.port.selection import Selection

MERGE_S_MAX: Final = 30.0
"""For so long an erasure waits for a merge of parts, which is bounded, to end."""


class _Holding(NamedTuple):
    """A part that holds rows that are meant."""

    path: Path
    rows: int
    length: int
    """In bytes; 0 if it went meanwhile."""
    altered: bool
    """Whether its bytes are not those that were written."""


def locate(root: Path, output: str, selection: Selection) -> Located:
    """Count the rows of an output that are meant, expired ones included.

    It looks again if parts were moved meanwhile: their rows may lie in others. What moves at every
    look counts as unreadable.
    """
    with connect(spill=None) as engine:
        for left in reversed(range(LOOKS_MAX)):
            parts = _listed(root, output)
            # A row that is moved while they are listed may be in none of them, or two.
            moved = parts.keys() != _listed(root, output).keys()
            if moved and left:
                continue
            search = _Search(engine, root, output, selection)
            found = list(search.holdings(parts))
            if not (moved or search.gone):
                break
    unreadable = search.unreadable + search.gone + moved
    file_bytes = sum(one.length for one in found)
    return Located(sum(one.rows for one in found), len(found), unreadable, file_bytes)


def _listed(root: Path, output: str) -> dict[Path, Path]:
    """Every part of an output by the path that it has, or is to have, and where it lies.

    What gets its place meanwhile is seen where it waited, or there.
    """
    found = {one.final: one.path for one in _staged(root, output)}
    for place in partitions(root, output):
        found |= {path: path for path in files(place)}
    return found


def _staged(root: Path, output: str) -> list[StagedPart]:
    return [one for one in staged(root) if one.place.output == output]


def erase(
    root: Path,
    output: str,
    selection: Selection,
    now_ms: int,
    compression: str,
    at: Hook = go_on,
) -> Receipt:
    """Remove the rows of an output that are meant, durably. Blocks; one erasure at a time per lake.

    WorkplaceTakenError while another, a restatement or a long merge is at work.
    """
    clear_dead(root)
    before, full = 0, False
    rewritten: list[str] = []
    with (
        Workplace(root, ERASING, MERGE_S_MAX) as workplace,
        connect(workplace.path / "spill") as engine,
    ):
        settle(root)  # what a dead sink left waiting would come back else
        search = _Search(engine, root, output, selection)
        for holding in chain(_waiting(root, search), search.placed()):
            before += holding.rows
            try:
                left = _rewrite(engine, holding, selection, workplace, compression, at)
            except (duckdb.Error, OSError) as error:
                full = full or is_for_want_of_room(error)
                continue  # its rows are still there, and located below
            place = holding.path.relative_to(root)
            rewritten.append(f"{place} {left + holding.rows} {left}\n")
        after = locate(root, output, selection)  # while no merge and no restatement moves a row
    digest = sha256("".join(sorted(rewritten)).encode()).hexdigest()
    return Receipt("lake", before, after.rows, digest, now_ms, after.unreadable, full)


def _waiting(root: Path, search: "_Search") -> Iterator[_Holding]:
    """What is left in ``_staged`` while no sink lives, and none may start: it is rewritten there.

    What no checkpoint will name goes first: its records come again, or its rows lie in other parts.
    While a sink lives, its parts are about to have their places, and are located afterwards.
    """
    try:
        with Workplace(root, SINK, wait_s=0):
            clear_half_written(root)
            yield from search.waiting()
    except WorkplaceTakenError:
        return


class _Search:
    """A search for rows that are meant, in the buckets of those who are named."""

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, root: Path, output: str, selection: Selection
    ) -> None:
        self._engine = engine
        self._root = root
        self._output = output
        self._selection = selection
        self._buckets = buckets_of(root, selection.pseudonyms)
        self.unreadable = 0
        """Parts that are there, and of which it is not known what they hold."""
        self.gone = 0
        """Parts that went before they were looked into: swept, or their rows lie in others."""

    def holdings(self, parts: Mapping[Path, Path]) -> Iterator[_Holding]:
        """Those of the listed parts that hold rows."""
        yield from self._holding(parts.items())

    def waiting(self) -> Iterator[_Holding]:
        """Those that wait for their place, whether a checkpoint names them or not."""
        found = _staged(self._root, self._output)
        yield from self._holding((one.final, one.path) for one in found)

    def placed(self) -> Iterator[_Holding]:
        """Those that have it."""
        for place in partitions(self._root, self._output):
            yield from self._holding((path, path) for path in files(place))

    def _holding(self, parts: Iterable[tuple[Path, Path]]) -> Iterator[_Holding]:
        for final, path in parts:
            if self._buckets is not None and final.parent.name not in self._buckets:
                continue
            rows = self._rows_of(path)
            if rows is None and path != final and not path.exists():
                path = final  # noqa: PLW2901  # it has its place by now
                rows = self._rows_of(path)
            if rows is None:
                self.unreadable += path.exists()
                self.gone += not path.exists()
                continue
            # What is found goes; what its altered bytes hide is not known.
            altered = is_altered(path)
            self.unreadable += altered
            if rows:
                yield _Holding(path, rows, _length(path), altered)

    def _rows_of(self, path: Path) -> int | None:
        query = f"SELECT count(*) FROM {source([path])} WHERE {MEANT}"  # noqa: S608  # a quoted path
        try:
            found = self._engine.execute(query, asked(self._selection, path)).fetchone()
        except duckdb.Error:
            return None
        return found[0] if found else 0


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _rewrite(
    engine: duckdb.DuckDBPyConnection,
    holding: _Holding,
    selection: Selection,
    workplace: Workplace,
    compression: str,
    at: Hook,
) -> int:
    """Replace a part by one without the rows that are meant; return the rows left in it."""
    path, temporary = holding.path, workplace.path / "rewritten.parquet"
    times, of_folder = _times(path), _times(path.parent)
    rest = None if holding.altered else left_of(path, selection, holding.rows)
    if rest is None:
        left = _copy(engine, holding, temporary, selection, compression)
    else:
        left = int(rest.rows.num_rows)
        write_file(temporary, part_bytes(rest.rows, rest.footer.appended, compression))
    _set_times(temporary, times)
    sync_file(temporary)
    at(Step.REWRITTEN)
    if left and path.exists():
        temporary.replace(path)
    else:  # it is empty now, or a sweep took it meanwhile
        path.unlink(missing_ok=True)
        temporary.unlink()
    _set_times(path.parent, of_folder)
    sync_if_there(path.parent)
    at(Step.REPLACED)
    return left


def _copy(
    engine: duckdb.DuckDBPyConnection,
    holding: _Holding,
    temporary: Path,
    selection: Selection,
    compression: str,
) -> int:
    """What is left of a part that is altered or very large, written by the engine."""
    path = holding.path
    others = f"SELECT * FROM {source([path])} WHERE NOT {MEANT}"  # noqa: S608  # a quoted path
    footer = read_footer(path)
    how = options(compression, Appended() if footer is None else footer.appended)
    copied = engine.execute(
        f"COPY ({others} ORDER BY {ROW_ORDER}) TO {quoted(str(temporary))}{how}",
        asked(selection, path),
    ).fetchone()
    if not holding.altered:  # else its rows would pass for whole
        seal(temporary)
    return int(copied[0]) if copied else 0


def _times(path: Path) -> tuple[int, int] | None:
    """When it was read and changed last, in nanoseconds; None if it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_atime_ns, found.st_mtime_ns


def _set_times(path: Path, times: tuple[int, int] | None) -> None:
    """A later time than its neighbours' would show when somebody was erased from it."""
    if times is not None:
        with suppress(FileNotFoundError):  # a sweep took it meanwhile
            os.utime(path, ns=times)
