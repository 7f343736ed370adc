"""A copy of a store as files: what lies where, and what it says of itself.

``store.json`` describes the copy: version, name, outputs, partitions, positions. Rows lie in one
file for each partition, ``rows/<output>/<expiry>``, remembered ids in ``seen``, both as
PostgreSQL's binary COPY writes them. What a partition holds is told by counts and sums of digests
of its rows, by version of the policy: alike wherever the rows lie, and in whatever order.
"""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from psycopg import sql

from sinks.port.sink import StoreUnusableError
from sinks.postgres.connection import Connection, named
from sinks.postgres.names import view_of
from sinks.postgres.tables import COLUMNS
from telemetry.newer_files import MADE_LATER
from telemetry.wire.record import MESH

FORM: Final = 1
DESCRIPTION: Final = "store.json"
SEEN: Final = "seen"
ROWS: Final = "rows"
_CONTENT: Final = sql.SQL(
    "SELECT policy_version, count(*), count(*) + count(*) FILTER (WHERE signal = {mesh}),"
    " sum({first})::text, sum({second})::text"
    " FROM (SELECT policy_version, signal,"
    "  encode(sha256(convert_to(ROW({names})::text, 'UTF8')), 'hex') AS hex FROM {table}) AS one"
    ' GROUP BY 1 ORDER BY policy_version COLLATE "C"'
)
_HALF: Final = "('x' || substr(hex, {}, 16))::bit(64)::bigint::numeric"


class CopyDamagedError(StoreUnusableError):
    """A copy is not what a store was; nothing of it may be served."""


class OfVersion(Struct, frozen=True, array_like=True):
    """What a partition holds of one version of the policy."""

    policy_version: str
    rows: int
    readings: int
    digest: tuple[str, str]
    """Sums over its rows of two numbers from the SHA-256 of each."""


class CopiedPart(Struct, frozen=True, array_like=True):
    """A partition of an output."""

    output: str
    expires_ms: int
    buckets: int
    oldest_ms: int
    oldest_is_known: bool
    content: list[OfVersion]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(one.rows for one in self.content)

    @property
    def path(self) -> str:
        """Where its rows lie, within the copy."""
        return f"{ROWS}/{view_of(self.output)}/{self.expires_ms}"


class CopiedOutput(Struct, frozen=True, array_like=True):
    """An output that the store has tables for."""

    output: str
    had_rows: bool


class CopiedPlace(Struct, frozen=True, array_like=True):
    """How far a topic's partition was; see ``progress``. Ids in ``seen`` name it by ``spot``."""

    spot: int
    topic: str
    partition: int
    next_offset: int
    topic_id: str | None
    stored_before: int


class CopiedStore(Struct, frozen=True, kw_only=True):
    """A whole copy."""

    form: int = FORM
    version: int
    """Of the store's tables; see ``migrations``."""
    name: str
    columns: list[str]
    outputs: list[CopiedOutput]
    parts: list[CopiedPart]
    places: list[CopiedPlace]


def described(folder: Path) -> CopiedStore:
    """What a copy says of itself; CopyDamagedError if that cannot be read."""
    try:
        found = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=CopiedStore)
    except (OSError, msgspec.MsgspecError):
        msg = "this copy of a store in PostgreSQL does not say what it is: use another backup"
        raise CopyDamagedError(msg) from None
    strangers = set(found.columns) - {name for name, _ in COLUMNS}
    if found.form > FORM or strangers:
        msg = f"this copy of a store in PostgreSQL is of a later form: {MADE_LATER}"
        raise CopyDamagedError(msg)
    return found


def content_of(connection: Connection, table: str, columns: list[str]) -> list[OfVersion]:
    """What a partition holds now, as far as the transaction sees it. Reads every row."""
    statement = _CONTENT.format(
        mesh=sql.Literal(MESH),
        first=sql.SQL(_HALF.format(1)),
        second=sql.SQL(_HALF.format(17)),
        names=listed(columns),
        table=named(table),
    )
    return [
        OfVersion(version, rows, readings, (one, other))
        for version, rows, readings, one, other in connection.execute(statement).fetchall()
    ]


def listed(columns: list[str]) -> sql.Composable:
    """Columns, in a statement."""
    return sql.SQL(", ").join(named(name) for name in columns)
