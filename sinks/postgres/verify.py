"""Whether a mark is anywhere: in rows and names, and in the server's files if they can be read.

In: raw bytes. Out: counts. Rows are searched as the text that PostgreSQL makes of them; files, the
log and temporary ones among them, byte by byte, from a machine that has them.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from psycopg import errors, sql

from sinks.port.results import Hits
from sinks.postgres.connection import Connection, first, named

_PIECE_BYTES: Final = 1 << 20
_TABLES: Final = """
SELECT c.relname, c.relkind FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
ORDER BY 1
"""


def search(connection: Connection, marker: bytes) -> Hits:
    """Search everything that the store keeps, names included. A file is a table or a file."""
    searched = in_bytes = in_names = 0
    for name, kind in connection.execute(_TABLES).fetchall():
        in_names += marker in name.encode()
        if kind in ("r", "m"):
            searched += 1
            in_bytes += _is_in_rows(connection, name, marker)
    for path in _files(connection):
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, or not for us
            in_bytes += _is_in_file(path, marker)
            searched += 1
    return Hits(searched, in_bytes, in_names)


def data_directory(connection: Connection) -> Path | None:
    """Where the server keeps its files; None if it does not say, or they are not to be read."""
    try:
        root = Path(first(connection.execute("SHOW data_directory"))[0])
    except errors.InsufficientPrivilege:
        return None
    with suppress(OSError):
        if (root / "PG_VERSION").is_file() and any(root.iterdir()):
            return root
    return None


def _is_in_rows(connection: Connection, table: str, marker: bytes) -> bool:
    text = marker.decode(errors="replace").replace("\0", "")
    if not text:
        return False
    statement = sql.SQL("SELECT 1 FROM {} AS one WHERE strpos(one::text, %s) > 0 LIMIT 1")
    try:
        return connection.execute(statement.format(named(table)), (text,)).fetchone() is not None
    except errors.UndefinedTable:
        return False  # swept meanwhile


def _files(connection: Connection) -> Iterator[Path]:
    root = data_directory(connection)
    if root is not None:
        yield from (path for path in sorted(root.rglob("*")) if path.is_file())


def _is_in_file(path: Path, marker: bytes) -> bool:
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(_PIECE_BYTES):
            if marker in tail + piece:
                return True
            tail = piece[-(len(marker) - 1) :] if len(marker) > 1 else b""
    return False
