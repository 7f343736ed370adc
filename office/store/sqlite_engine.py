"""The office's toolkit over SQLite, under the rules of ``sqlite_file``.

All SQLite-only SQL of the office is there and in ``recorded``. In: an engine. Out: the engine under
our rules. Errors of the driver must not carry parameters (they would be identifiers), so engines
are made with ``hide_parameters``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, event

from office.store import sqlite_file
from office.store.fence import admit

_BEGIN: Final = "office_begin"
READING: Final[Mapping[str, str]] = {_BEGIN: sqlite_file.READING}
WRITING: Final[Mapping[str, str]] = {_BEGIN: sqlite_file.WRITING}
"""Execution options of transactions."""
BARE: Final[Mapping[str, str]] = {_BEGIN: ""}
"""Execution options of a connection for ``scrub``, which no transaction may enclose."""


def address(file: Path, driver: str) -> URL:
    """The file as the toolkit names it; a path may hold what means something in a text."""
    return URL.create(driver, database=str(file))


def prepare(engine: Engine) -> None:
    """Set up each new connection; begin as the execution options say."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        sqlite_file.set_up(connection)
        admit(connection)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if begin := connection.get_execution_options()[_BEGIN]:
            connection.exec_driver_sql(begin)


def scrub(connection: Connection) -> None:
    """As ``sqlite_file.scrub``, on a BARE connection."""
    sqlite_file.scrub(connection.exec_driver_sql)
