"""One purpose opened for an analyst: live rows only, SELECT only, nothing else in reach.

Two barriers. The gate refuses every statement but one SELECT over ``readings``. The engine is
locked to the files of the live partitions of one output, so another purpose, an expired
row or a system file is out of its reach. Rows come sorted by (pseudonym, t), wherever a statement
shows their order: no offset, file name or order of arrival does. A session's ``now`` is fixed; open
one per query. A part that cannot be read is left out, and the result says how many there were.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any, Final, Self
from uuid import uuid4

import duckdb

from sinks.lake.checkpoints import LOOKS_MAX, CheckpointDamagedError
from sinks.lake.columns import COLUMNS
from sinks.lake.layout import checked_root
from sinks.lake.parquet import ROW_ORDER, connect, quoted, source
from sinks.lake.part_file import unreadable_parts
from sinks.lake.standing import MovingError, counted, outputs_of, standing
from sinks.lake.workplace import Workplace
from sinks.query.functions import functions_of
from sinks.query.gate import VIEW, Gate, QueryRefusedError
from sinks.query.order import suffix_for_any_order

_MOVING: Final = "rows are moving between files of the lake: run the query again"
_NOT_KNOWN: Final = (
    "the lake's newest checkpoint is damaged, so nothing says which rows count: tell the operator, "
    "who finds it with `roadfade lake check`"
)
SHOWN: Final = COLUMNS[: COLUMNS.index("lane")]
"""The columns of the view. Lane and consent are for those who end rows, not for analysts."""
# In place of the engine's own message, which names files: they are no analyst's business.
_GONE: Final = (
    "rows were deleted while the query ran, or a function got a value that it cannot take: "
    "run the query again, or change the statement"
)


class QueryFailedError(Exception):
    """The statement was allowed but failed; the message gives the reason and the remedy."""

    @classmethod
    def too_long(cls, limits: "QueryLimits") -> Self:
        """It was stopped."""
        return cls(f"stopped after {limits.seconds_max:g} s: narrow the query")


class PartLostError(QueryFailedError):
    """A part could not be read: it was merged or swept meanwhile, or it is damaged."""

    def __init__(self, live: Sequence[Path]) -> None:
        super().__init__(_GONE)
        self.live = live
        """The parts that were to be read."""


# What a statement can be wrong in; anything else may be a damaged part's.
_THE_STATEMENTS: Final = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.OutOfMemoryException,
    duckdb.OutOfRangeException,
    duckdb.ParserException,
    duckdb.SyntaxException,
)


def _names_a_part(error: duckdb.Error, live: Sequence[Path]) -> bool:
    """Whether the engine's message is about a file, which is not for analysts to see."""
    return ".parquet" in str(error) or any(str(path.parent) in str(error) for path in live[:1])


LEAST_S: Final = 0.1
"""With less time no statement is begun: the engine forgets what interrupts it before it runs."""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What one query may use."""

    rows_max: int = 100_000
    """More rows are cut off, and the result is marked as cut."""
    seconds_max: float = 300.0
    memory_mb: int = 512
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Result:
    """Column names and rows; times are UTC without a zone."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    truncated: bool = False
    """Whether ``rows_max`` cut rows off."""
    unreadable: int = 0
    """Parts that could not be read: the answer lacks their rows."""


class PurposeSession:
    """A locked engine over one output's live rows. Blocks; one thread at a time."""

    def __init__(
        self,
        root: Path,
        output: str,
        now_ms: int,
        limits: QueryLimits,
        without: Collection[Path] = (),
    ) -> None:
        root = checked_root(root)
        known = outputs_of(root)
        if output not in known:
            kept = ", ".join(known) or "none"
            msg = f"no rows of {output!r} were ever kept here; outputs with rows: {kept}"
            raise QueryRefusedError(msg)
        self._limits = limits
        self._workplace = Workplace(root, f"query-{uuid4().hex}")
        with self._workplace.kept_if_done():
            spill = self._workplace.path / "spill"
            self._engine = connect(spill, limits.memory_mb, limits.threads)
            self._gate = Gate(self._engine)
            self._scalar = functions_of(self._engine).scalar
            self._now_ms = now_ms
            live, self.unreadable = _readable(root, output, now_ms, without)
            self.live = live
            try:
                self._open_view(ordered=True)
            except duckdb.Error:  # its words name files
                raise PartLostError(live) from None
            self._lock(live)

    def run(self, statement: str, left_s: float | None = None) -> Result:
        """Run one SELECT; ``QueryRefusedError`` or ``QueryFailedError`` if it does not run.

        ``left_s``: what is left of ``seconds_max``, if not all of it.
        """
        statement = self._in_its_order(statement)
        timer = Timer(left_s or self._limits.seconds_max, self._engine.interrupt)
        timer.start()
        try:
            cursor = self._engine.execute(statement)
            columns = tuple(column[0] for column in cursor.description or ())
            rows = cursor.fetchmany(self._limits.rows_max + 1)
        except duckdb.InterruptException:
            raise QueryFailedError.too_long(self._limits) from None
        except duckdb.PermissionException as error:
            if any(str(path) in str(error) for path in self.live):
                raise PartLostError(self.live) from None
            raise QueryFailedError(_GONE) from None  # no part of it is to blame
        except duckdb.IOException:
            raise PartLostError(self.live) from None
        except duckdb.Error as error:
            if isinstance(error, _THE_STATEMENTS) and not _names_a_part(error, self.live):
                raise QueryFailedError(str(error)) from None
            raise PartLostError(self.live) from None
        finally:
            timer.cancel()
        kept = rows[: self._limits.rows_max]
        return Result(columns, kept, len(rows) > len(kept), self.unreadable)

    def close(self) -> None:
        """End the session and remove what it spilled."""
        self._engine.close()
        self._workplace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _in_its_order(self, statement: str) -> str:
        """The statement over a view that is sorted if it shows an order, or else its own order."""
        suffix = suffix_for_any_order(self._gate.check(statement), self._scalar, VIEW)
        if suffix:
            ordered = statement.rstrip().rstrip(";") + suffix
            try:
                self._gate.check(ordered)
                statement = ordered
            except QueryRefusedError:  # it ends in a comment, or in what only a parser knows
                suffix = None
        try:
            self._open_view(ordered=suffix is None)
        except duckdb.Error:  # its words name files
            raise PartLostError(self.live) from None
        return statement

    def _open_view(self, *, ordered: bool) -> None:
        order = f" ORDER BY {ROW_ORDER}" if ordered else ""
        rows = source(self.live)
        self._engine.execute(
            f"CREATE OR REPLACE VIEW {VIEW} AS SELECT {', '.join(SHOWN)} FROM {rows}"  # noqa: S608  # constants and quoted paths
            f" WHERE expires_at > make_timestamp_ms({int(self._now_ms)}){order}"
        )

    def _lock(self, live: Sequence[Path]) -> None:
        paths = ", ".join(quoted(str(path)) for path in live)
        self._engine.execute(f"SET allowed_paths = [{paths}]")
        self._engine.execute("SET enable_external_access = false")
        self._engine.execute("SET lock_configuration = true")


def _readable(
    root: Path, output: str, now_ms: int, without: Collection[Path]
) -> tuple[list[Path], int]:
    """The live parts that can be read, and how many cannot.

    To look into them takes time: if one is gone by then, its rows may lie in another.
    """
    for _ in range(LOOKS_MAX):
        found = _live(root, output, now_ms)
        damaged = {*without, *unreadable_parts(found)}
        if all(path.exists() for path in found):
            live = [path for path in found if path not in damaged]
            return live, len(found) - len(live)
    raise QueryFailedError(_MOVING)


def _live(root: Path, output: str, now_ms: int) -> list[Path]:
    """The live parts as they are at one moment, each row in one of them."""
    try:
        standing(root)
        return [part.path for part in counted(root, output) if part.place.expires_ms > now_ms]
    except CheckpointDamagedError:
        raise QueryFailedError(_NOT_KNOWN) from None
    except MovingError:
        raise QueryFailedError(_MOVING) from None


def open_purpose(
    root: Path, output: str, now_ms: int, limits: QueryLimits | None = None
) -> PurposeSession:
    """Open one output for reading; ``QueryRefusedError`` if it has never had rows."""
    return PurposeSession(root, output, now_ms, limits or QueryLimits())


def run_query(
    root: Path,
    output: str,
    statement: str,
    now_ms: int,
    limits: QueryLimits | None = None,
    elapsed_s: Callable[[], float] = monotonic,
) -> Result:
    """Open one output, run one SELECT, close.

    If a part was merged or swept meanwhile, the statement runs again over what is there then. If
    none was, each is read through, and the statement runs again without what cannot be read. All of
    this together may take ``seconds_max``, but for the part that is being read then.
    """
    limits = limits or QueryLimits()
    ends_s = elapsed_s() + limits.seconds_max

    def left_s() -> float:
        left = ends_s - elapsed_s()
        if left < LEAST_S:
            raise QueryFailedError.too_long(limits)
        return left

    damaged: set[Path] = set()
    for look in range(LOOKS_MAX):
        try:
            with PurposeSession(root, output, now_ms, limits, damaged) as session:
                return session.run(statement, left_s())
        except PartLostError as lost:
            if all(path.exists() for path in lost.live):
                found = {*_damaged_inside(lost.live, left_s)}
                if found <= damaged or look == LOOKS_MAX - 1:
                    raise
                damaged |= found
    raise QueryFailedError(_MOVING)


def _damaged_inside(paths: Sequence[Path], left_s: Callable[[], float]) -> list[Path]:
    """The parts of which some page cannot be read; those that are gone are not among them.

    ``left_s`` raises once no time is left.
    """
    damaged = []
    with connect(spill=None) as engine:
        for path in paths:
            left_s()
            values = ", ".join(f"max({column})" for column in COLUMNS)
            try:
                engine.execute(f"SELECT {values} FROM {source([path])}").fetchall()  # noqa: S608  # constants and a quoted path
            except duckdb.Error:
                if path.exists():
                    damaged.append(path)
    return damaged
