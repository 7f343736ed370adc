"""The office's database: transactions for several processes on one file.

In: the path of a file. Out: transactions that read or write, ``scrub`` after deletions,
and the right to publish, which one process holds at a time.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from office.errors import OfficeError
from office.store import sqlite_engine, sqlite_file
from office.store.every_table import EVERY_TABLE, KNOWN_COLUMNS
from office.store.fence import FENCE
from office.store.file_faults import in_words
from office.store.migrations import add_later_columns
from office.store.newer import refuse_newer

DRIVER: Final = "sqlite+aiosqlite"
WRAPPED: Final = (DBAPIError,)


class Database:
    """The office's tables. Close it: its connections are threads."""

    def __init__(self, engine: AsyncEngine, file: Path) -> None:
        self._engine = engine
        self._file = file

    @classmethod
    async def open(cls, file: Path) -> Self:
        """Open the office in this file; OfficeError if none was made there.

        A second office beside the first would answer "registered" for what no worker learns.
        """
        if not await asyncio.to_thread(file.is_file):
            msg = (
                f"there is no office in {file.parent}: name the folder of the one you mean "
                "(ROADFADE_STATE_DIR), or make one there (roadfade office init)"
            )
            raise OfficeError(msg)
        return await cls.create(file)

    @classmethod
    async def create(cls, file: Path) -> Self:
        """Open the office in this file; a missing file or table is created.

        OfficeError as ``writing``; NewerFileError if a newer program made it.
        """
        try:
            with in_words("office", file.parent, WRAPPED):
                engine = await asyncio.to_thread(_engine_on, file)
        except OSError as error:
            msg = f"no office can be opened in {file.parent}: {error.strerror}"
            raise OfficeError(msg) from None
        database = cls(engine, file)
        try:
            async with database.writing() as connection:
                await connection.run_sync(_bring_up_to_date, file)
        except BaseException:
            await engine.dispose()
            raise
        return database

    @classmethod
    @asynccontextmanager
    async def opened(cls, file: Path) -> AsyncIterator[Self]:
        """As ``open``, as a context manager that closes the database."""
        database = await cls.open(file)
        try:
            yield database
        finally:
            await database.close()

    @property
    def file(self) -> Path:
        """Where it is."""
        return self._file

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A read transaction that sees one state of all tables; it never waits for a writer."""
        async with self._begun(sqlite_engine.READING) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """The one writing transaction at a time of all processes; durable when left.

        Waits ``sqlite_file.BUSY_MS`` for its turn. An exception inside takes everything back.
        OfficeError, and nothing is changed, if its turn does not come, or the file cannot be
        written or read.
        """
        async with self._begun(sqlite_engine.WRITING) as connection:
            yield connection

    @asynccontextmanager
    async def _begun(self, how: Mapping[str, str]) -> AsyncIterator[AsyncConnection]:
        with in_words("office", self._file.parent, WRAPPED):
            async with self._connected(how) as connection:
                yield connection

    @asynccontextmanager
    async def _connected(self, how: Mapping[str, str]) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(**how)
            async with connection.begin():
                yield connection

    async def scrub(self) -> None:
        """Leave no deleted byte in the files; after every deletion of somebody's rows.

        May be repeated; costs time with the size of the database. OfficeError if
        another process never lets go of the write-ahead log.
        """
        with in_words("office", self._file.parent, WRAPPED):
            async with self._engine.connect() as plain:
                connection = await plain.execution_options(**sqlite_engine.BARE)
                await connection.run_sync(sqlite_engine.scrub)

    @asynccontextmanager
    async def sole_publisher(self) -> AsyncIterator[bool]:
        """Whether this caller, among all processes, publishes now; False: another one does.

        A lock on a file, not a lease in time: the system frees it when its holder dies,
        and a holder that is merely stopped keeps it, so nothing it still sends can arrive
        after newer rows.
        """
        descriptor = await asyncio.to_thread(_try_lock, self._file.with_suffix(".publisher"))
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    async def close(self) -> None:
        """Give every connection back."""
        await self._engine.dispose()


async def make_office(file: Path) -> bool:
    """Make an office in this file unless there is one; whether there was none."""
    fresh = not await asyncio.to_thread(file.is_file)
    await (await Database.create(file)).close()
    return fresh


def _engine_on(file: Path) -> AsyncEngine:
    sqlite_file.create_private(file)
    engine = create_async_engine(sqlite_engine.address(file, DRIVER), hide_parameters=True)
    sqlite_engine.prepare(engine.sync_engine)
    return engine


def _bring_up_to_date(connection: Connection, file: Path) -> None:
    refuse_newer(file, connection.exec_driver_sql, KNOWN_COLUMNS)
    EVERY_TABLE.create_all(connection)
    add_later_columns(connection)
    connection.exec_driver_sql(FENCE)


def _try_lock(file: Path) -> int | None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
