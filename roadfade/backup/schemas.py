"""How new the files of a backup are, beside what this program knows.

A database's number is how many columns its tables have: columns only ever come, so the number
grows with every version that changes them, whoever made the change. A lake's is its format, that of
a store in PostgreSQL the version of its tables.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from office.consent_evidence import tables as evidence_tables
from office.keyring import tables as keyring_tables
from office.replay_memory import tables as memory_tables
from office.store.every_table import KNOWN_COLUMNS
from roadfade import ledger_file
from roadfade.copied_stores import postgres_version
from roadfade.refusal import Refusal
from sinks.lake.format import FORMAT_VERSION
from telemetry.newer_files import MADE_LATER, columns_of

OFFICE: Final = "office.sqlite"
LEDGER: Final = "ledger.sqlite"
KEYRING: Final = "keyring.sqlite"
MEMORY: Final = "suppressions.sqlite"
EVIDENCE: Final = "consent_evidence.sqlite"
LAKE: Final = "lake"
POSTGRES: Final = "postgres"
"""Names of the files, and of the folders, of a backup; the numbers stand under them."""


def number_in(file: Path) -> int:
    """The number of a database file. Blocks."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return len(columns_of(connection.execute))


def known() -> Mapping[str, int]:
    """The numbers that this program knows, but for PostgreSQL, whose driver is an extra. Blocks."""
    return {
        OFFICE: len(KNOWN_COLUMNS),
        LEDGER: len(ledger_file.known_columns()),
        KEYRING: len(keyring_tables.known_columns()),
        MEMORY: len(memory_tables.known_columns()),
        EVIDENCE: len(evidence_tables.known_columns()),
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
