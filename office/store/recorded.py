"""The versions on record in an office database's file, read without the database toolkit.

The toolkit is heavy, and commands that ask nothing else of the office need none of it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from telemetry.wire.publication import Publication, decode_publication


def recorded(file: Path) -> tuple[Publication, ...]:
    """Every version, lowest first; none if there is no file, or no office opened it yet.

    Blocks; changes nothing.
    """
    if not file.exists():
        return ()
    # A path may hold what means something in an address.
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
        if ("policies",) not in tables:
            return ()
        rows = database.execute("SELECT value FROM policies ORDER BY version")
        return tuple(decode_publication(value) for (value,) in rows)
