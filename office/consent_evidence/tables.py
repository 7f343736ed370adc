"""The tables of the officers' file. Days are UTC, as 2026-11-30; instants milliseconds UTC.

Plain SQL, as a keyring's: the office's toolkit is not loaded for it.
"""

from functools import cache
from typing import Final

from office.store.newer import columns_made_by

TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS evidence (
        number VARCHAR NOT NULL PRIMARY KEY,
        purpose VARCHAR NOT NULL, basis VARCHAR NOT NULL, recipient VARCHAR,
        notice VARCHAR NOT NULL,
        given_day VARCHAR NOT NULL, ended_day VARCHAR NOT NULL, ends_ms INTEGER NOT NULL,
        opening VARCHAR NOT NULL, consent VARCHAR UNIQUE
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS unscrubbed (mark VARCHAR NOT NULL PRIMARY KEY)",
)
"""``evidence``: a row for each consent that left the register, in the order of random numbers, so
that nobody sees which came together. ``consent``: the row in the register that it is of, while that
may still be there; then NULL. ``unscrubbed``: a mark for each
deletion whose bytes may be left in the file."""


@cache
def known_columns() -> frozenset[str]:
    """What an officers' file of today has; one with more is a newer program's."""
    return columns_made_by(TABLES)
