"""The keyring's tables, in a database file of their own, and what is asked of them.

Plain SQL: a worker opens a keyring, and the office's toolkit would take more of its memory than any
other library does.
"""

from functools import cache
from typing import Final

from office.store.newer import columns_made_by

TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS keys (
        purpose VARCHAR NOT NULL, recipient VARCHAR NOT NULL, epoch VARCHAR NOT NULL,
        kek VARCHAR, nonce BLOB, wrapped BLOB,
        PRIMARY KEY (purpose, recipient, epoch)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS current (
        one INTEGER NOT NULL, kek VARCHAR NOT NULL, PRIMARY KEY (one)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS installation (
        one INTEGER NOT NULL, id VARCHAR NOT NULL, PRIMARY KEY (one)
    )
    """,
)
"""``keys``: a row per (purpose, recipient, epoch); all three last columns NULL: destroyed.
``current``: one row, the id of the KEK under which every live key is wrapped.
``installation``: one row, random, made once and no secret: it tells this keyring, in every later
state and copy of it, from one of another installation, whose keys have the same names."""


@cache
def known_columns() -> frozenset[str]:
    """What a keyring of today has; one with more is a newer program's."""
    return columns_made_by(TABLES)


FIND: Final = "SELECT kek, nonce, wrapped FROM keys WHERE (purpose, recipient, epoch) = (?, ?, ?)"
FIND_EPOCHS: Final = (
    "SELECT epoch, kek, nonce, wrapped FROM keys WHERE (purpose, recipient) = (?, ?)"
)
FIND_LIVE: Final = (
    "SELECT purpose, recipient, epoch, kek, nonce, wrapped FROM keys WHERE wrapped IS NOT NULL"
)
FIND_STATES: Final = "SELECT purpose, recipient, epoch, wrapped IS NOT NULL FROM keys"
PUT: Final = (
    "INSERT OR REPLACE INTO keys (purpose, recipient, epoch, kek, nonce, wrapped)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
CURRENT: Final = "SELECT kek FROM current"
PUT_INSTALLATION: Final = "INSERT OR IGNORE INTO installation (one, id) VALUES (1, ?)"
INSTALLATION: Final = "SELECT id FROM installation"
PUT_CURRENT: Final = "INSERT OR REPLACE INTO current (one, kek) VALUES (1, ?)"
