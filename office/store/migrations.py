"""Columns that came after a database was made: added with their defaults when it is opened.

A column without a default cannot come later: old rows would have no value in it.
"""

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateColumn

from office.store.every_table import EVERY_TABLE


def add_later_columns(connection: Connection) -> None:
    """Bring every table up to date, in the caller's writing transaction; mostly nothing."""
    known = inspect(connection)
    for table in EVERY_TABLE.sorted_tables:
        there = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                words = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {words}"))
