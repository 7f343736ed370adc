"""How new the files of a backup are, beside what this program knows.

A database's number is how many columns its tables have: columns only ever come, so the number
grows with every version that changes them, whoever made the change. A lake's is its format, that of
a store in PostgreSQL the version of its tables.
"""

import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from office.consent_evidence import tables as evidence_tables
from office.keyring import tables as keyring_tables
from office.replay_memory import tables as memory_tables
from office.store.every_table import EVERY_TABLE
from roadfade.ledger_file import LedgerFile
from roadfade.refusal import Refusal
from roadfade.stores import postgres_version
from sinks.lake.format import FORMAT_VERSION
from telemetry.newer_files import MADE_LATER

OFFICE: Final = "office.sqlite"
LEDGER: Final = "ledger.sqlite"
KEYRING: Final = "keyring.sqlite"
MEMORY: Final = "suppressions.sqlite"
EVIDENCE: Final = "consent_evidence.sqlite"
LAKE: Final = "lake"
POSTGRES: Final = "postgres"
"""Names of the files, and of the folders, of a backup; the numbers stand under them."""
_COLUMNS: Final = """
SELECT count(*) FROM sqlite_master AS one, pragma_table_xinfo(one.name)
WHERE one.type = 'table' AND one.name NOT LIKE 'sqlite_%'
"""


def number_in(file: Path) -> int:
    """The number of a database file. Blocks."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return _columns(connection)


def known() -> Mapping[str, int]:
    """The numbers that this program knows, but for PostgreSQL, whose driver is an extra. Blocks."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / LEDGER
        LedgerFile(ledger)
        return {
            OFFICE: sum(len(table.columns) for table in EVERY_TABLE.sorted_tables),
            LEDGER: number_in(ledger),
            KEYRING: _number_of(keyring_tables.TABLES),
            MEMORY: _number_of(memory_tables.TABLES),
            EVIDENCE: _number_of(evidence_tables.TABLES),
            LAKE: FORMAT_VERSION,
        }


def refuse_newer(said: Mapping[str, int]) -> None:
    """Refusal if a file is newer than what this program knows, or is one that it does not."""
    mine = dict(known())
    if POSTGRES in said:
        mine[POSTGRES] = postgres_version()
    for name, number in sorted(said.items()):
        if number > mine.get(name, 0):
            msg = (
                f"{name} of this backup has schema {number}, this program knows "
                f"{mine.get(name, 0)}: {MADE_LATER}"
            )
            raise Refusal(msg)


def _number_of(statements: tuple[str, ...]) -> int:
    with closing(sqlite3.connect(":memory:")) as connection:
        for one in statements:
            connection.execute(one)
        return _columns(connection)


def _columns(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute(_COLUMNS).fetchone()
    return int(found)
