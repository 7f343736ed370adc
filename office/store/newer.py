"""No file of the office that a newer program made is opened: see ``telemetry.newer_files``.

In: a transaction before anything was changed in it. Out: nothing, or NewerFileError, which takes
the transaction back.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from office.errors import OfficeError
from telemetry.newer_files import columns_made, columns_of, newer


class NewerFileError(OfficeError):
    """The file is a newer program's. The message names it, and what to do."""


def refuse_newer(file: Path, execute: Callable[[str], Any], known: frozenset[str]) -> None:
    """NewerFileError if the file has a column that is not ``known``; a new file has none."""
    why = newer(file, columns_of(execute), known)
    if why is not None:
        raise NewerFileError(why)


def columns_made_by(statements: Iterable[str]) -> frozenset[str]:
    """``table.column`` of a database that these statements make."""
    with closing(sqlite3.connect(":memory:")) as connection:
        return columns_made(connection.execute, statements)
