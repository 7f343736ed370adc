"""Which database files a newer program made, and what to say of one. Pure: SQL, sets and words.

In: the columns that a SQLite file has, and those that this program knows. Out: those it does not
know. Columns only ever come, so a file with an unknown one is a later version's. What it is for, a
legal hold or a withdrawal, this program would pass over without a word: so it opens none.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

WRITTEN_LATER: Final = (
    "was written by a newer version of Roadfade. Use that version or a later one; to go back for "
    "good, restore a backup that the older version made. Nothing was changed"
)
"""What became of a file of an installation, and the remedy."""
MADE_LATER: Final = "restore it with the program that made it, or a newer one"
"""The remedy for a backup, or a part of one, that a newer program made."""
COLUMNS: Final = """
SELECT one.name || '.' || its.name FROM sqlite_master AS one, pragma_table_xinfo(one.name) AS its
WHERE one.type = 'table' AND one.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""


def columns_of(execute: Callable[[str], Any]) -> frozenset[str]:
    """``table.column`` of every column of a database."""
    return frozenset(row[0] for row in execute(COLUMNS).fetchall())


def columns_made(execute: Callable[[str], Any], statements: Iterable[str]) -> frozenset[str]:
    """The same of an empty database, which is filled by statements."""
    for one in statements:
        execute(one)
    return columns_of(execute)


def newer(file: object, found: frozenset[str], known: frozenset[str]) -> str | None:
    """Why a file is not opened, and the remedy; None: this program knows all that is in it."""
    unknown = sorted(found - known)
    if not unknown:
        return None
    return (
        f"{file} has {len(unknown)} columns that this program does not know, the first is "
        f"{unknown[0]}: it {WRITTEN_LATER}"
    )
