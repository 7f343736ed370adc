"""The memory's tables, in a database file of their own. Times are integer milliseconds UTC.

Plain SQL, as a keyring's: the office's toolkit is not loaded for it.
"""

from functools import cache
from typing import Final

from office.store.newer import columns_made_by

TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS weeks (
        id VARCHAR NOT NULL PRIMARY KEY, week INTEGER NOT NULL, key BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS ended (
        week VARCHAR NOT NULL, hash BLOB NOT NULL, to_ms INTEGER, at_ms INTEGER NOT NULL,
        PRIMARY KEY (week, hash)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS withheld (
        week VARCHAR NOT NULL, hash BLOB NOT NULL, person BLOB NOT NULL, reason VARCHAR NOT NULL,
        purpose VARCHAR, recipient VARCHAR, from_ms INTEGER NOT NULL, to_ms INTEGER,
        at_ms INTEGER NOT NULL, PRIMARY KEY (week, hash)
    )
    """,
    "CREATE INDEX IF NOT EXISTS withheld_by_person ON withheld (week, person)",
    """
    CREATE TABLE IF NOT EXISTS commanded (
        week VARCHAR NOT NULL, hash BLOB NOT NULL, sealed BLOB NOT NULL, at_ms INTEGER NOT NULL,
        PRIMARY KEY (week, hash)
    )
    """,
    "CREATE TABLE IF NOT EXISTS published (name VARCHAR NOT NULL PRIMARY KEY, value BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS said (name VARCHAR NOT NULL PRIMARY KEY, value INTEGER NOT NULL)",
)
"""``weeks``: the key of each week, random; ``week`` counts from 1970. It goes with all of its rows.
``ended``: rows of the registry, persons and epoch keys that ended; ``to_ms`` NULL: they are gone.
``withheld``: what of whom is kept back. ``commanded``: commands of erasure, sealed under the key.
``published``: versions of the policy, which name nobody. ``said``: what is known of the file,
and which stores there are."""


@cache
def known_columns() -> frozenset[str]:
    """What a memory of today has; one with more is a newer program's."""
    return columns_made_by(TABLES)


OF_WEEKS: Final = ("ended", "withheld", "commanded")
SINCE: Final = "since_ms"
"""From then on nothing is missing here."""
LAST: Final = "last_ms"
"""The newest instant under which anything was remembered, or a backup made."""
COPIED: Final = "copied_ms"
"""When this was copied into a backup: what came later is missing."""
STORE: Final = "store "
"""How the name begins under which a store and its output are said: behind it, both with a space
between; no person stands there. The value is when it was known. No week ends it."""
