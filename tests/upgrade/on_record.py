"""What every version has on record of people, in the words of its tables.

In: an office's file. Out: its rows.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

ON_RECORD: Final = {
    "devices": "row, device, registered_ms",
    "links": "link, device, subject, hex(secret), from_ms, to_ms, role",
    "consents": "consent, subject, purpose, basis, recipient, notice, from_ms, to_ms",
}
"""Columns by table: what a later version must not change."""


def asked(file: Path, query: str) -> list[list[Any]]:
    """What a query finds in a file that is there."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        return [list(row) for row in connection.execute(query)]


def on_record(file: Path) -> dict[str, list[list[Any]]]:
    """The rows of ``ON_RECORD``, in order."""
    return {
        name: asked(file, f"SELECT {columns} FROM {name} ORDER BY 1")  # noqa: S608  # constants
        for name, columns in ON_RECORD.items()
    }
