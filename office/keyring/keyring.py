"""The keyring: a random key per (purpose, recipient, epoch), wrapped under a KEK, on disk.

Calls block for milliseconds; an event loop calls them in a thread. Keys are random, not
derived, and live until the last record of their epoch has expired, because erasing
recomputes pseudonyms. Keyring and KEK must never enter a backup.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

from sqlalchemy import Connection, Engine, Row, create_engine, insert, select, update

from office.errors import OfficeError
from office.keyring.kek import Kek, KekHolder
from office.keyring.tables import CURRENT, KEYRING, KEYS
from office.keyring.wrapping import KeyName, Wrapped, unwrap, wrap
from office.store import sqlite_file
from office.store.file_faults import in_words
from telemetry.identity import EpochKey

EPOCH_KEY_BYTES: Final = 32

KeyState = Literal["live", "destroyed"]


class Keyring:
    """One database file and the KEK that opens it; several processes may share both."""

    def __init__(self, engine: Engine, kek: KekHolder, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._kek = kek
        self._held: Mapping[str, Kek] = {}

    @classmethod
    def open(cls, file: Path, kek: KekHolder) -> Self:
        """Open or create; OfficeError if the KEK is not the one of this keyring.

        So is it, here and in every call, if the file cannot be read or written. Finishes a
        destruction that was cut short.
        """
        with in_words("keyring", file.parent):
            sqlite_file.create_private(file)
        engine = create_engine(sqlite_file.address(file), hide_parameters=True)
        sqlite_file.prepare(engine)
        keyring = cls(engine, kek, file.parent)
        try:
            with keyring._begun(sqlite_file.WRITING) as connection:
                KEYRING.create_all(connection)
                current = keyring._current(connection)
            if set(kek.load()) != {current}:
                keyring._finish_destruction()
        except BaseException:
            engine.dispose()
            raise
        return keyring

    def get(self, purpose: str, recipient: str, epoch: str) -> EpochKey | None:
        """The key; None if it was never made, or is destroyed."""
        name = (purpose, recipient, epoch)
        # Under the write lock: between reading and unwrapping, no other process may
        # finish going over to a new KEK.
        with self._begun(sqlite_file.WRITING) as connection:
            row = _row(connection, name)
            return None if row is None or row.wrapped is None else self._unwrap(name, row)

    def ensure(self, wanted: Collection[KeyName]) -> dict[KeyName, EpochKey]:
        """The keys of these names, created if missing; durable on return.

        Whoever asks, in whatever process, gets the same key. A destroyed key is not made
        again: its name is absent from the answer.
        """
        with self._begun(sqlite_file.WRITING) as connection:
            kek = self._kek_of(self._current(connection))
            found: dict[KeyName, EpochKey] = {}
            for name in sorted(wanted):
                row = _row(connection, name)
                if row is None:
                    found[name] = EpochKey(secrets.token_bytes(EPOCH_KEY_BYTES))
                    values = _named(name) | wrap(found[name], name, kek)._asdict()
                    connection.execute(insert(KEYS).values(values))
                elif row.wrapped is not None:
                    found[name] = self._unwrap(name, row)
        return found

    def state(self, name: KeyName) -> KeyState | None:
        """``destroyed``: rows made under it can no longer be located. None: never made."""
        with self._begun(sqlite_file.READING) as connection:
            row = _row(connection, name)
        if row is None:
            return None
        return "destroyed" if row.wrapped is None else "live"

    def destroy(self, names: Collection[KeyName]) -> None:
        """Make keys unrecoverable, and record that they are.

        Their rows are emptied, the survivors wrapped anew under a new KEK, the files
        scrubbed, and the old KEK destroyed last: a crash at any point loses no surviving
        key, and the next ``open`` or ``destroy`` finishes. May be repeated.
        """
        with self._begun(sqlite_file.WRITING) as connection:
            current = self._current(connection)
            fresh = self._kek.add()
            if fresh.id == current:
                msg = "the following KEK is already in use: give a new one, then repeat"
                raise OfficeError(msg)
            for name in names:
                self._empty(connection, name)
            for row in connection.execute(select(KEYS).where(KEYS.c.wrapped.is_not(None))).all():
                name = (row.purpose, row.recipient, row.epoch)
                again = wrap(self._unwrap(name, row), name, fresh)
                connection.execute(update(KEYS).where(*_is(name)).values(again._asdict()))
            connection.execute(update(CURRENT).values(kek=fresh.id))
        self._finish_destruction()

    def _empty(self, connection: Connection, name: KeyName) -> None:
        if _row(connection, name) is None:
            connection.execute(insert(KEYS).values(_named(name)))
        gone = dict.fromkeys(Wrapped._fields)
        connection.execute(update(KEYS).where(*_is(name)).values(gone))

    def _finish_destruction(self) -> None:
        with self._engine.connect() as plain:
            sqlite_file.scrub(plain.execution_options(**sqlite_file.BARE))
        with self._begun(sqlite_file.WRITING) as connection:
            self._kek.keep_only(self._current(connection))
        self._held = {}

    def close(self) -> None:
        """Give the connections back and forget the KEK."""
        self._held = {}
        self._engine.dispose()

    @contextmanager
    def _begun(self, how: Mapping[str, str]) -> Iterator[Connection]:
        with in_words("keyring", self._folder), self._engine.connect() as plain:
            connection = plain.execution_options(**how)
            with connection.begin():
                yield connection

    def _current(self, connection: Connection) -> str:
        """The id of the KEK in use; on a new keyring, chosen now."""
        current: str | None = connection.scalar(select(CURRENT.c.kek))
        if current is None:
            held = self._kek.load()
            current = next(iter(held)) if held else self._kek.add().id
            connection.execute(insert(CURRENT).values(one=1, kek=current))
        self._kek_of(current)
        return current

    def _kek_of(self, kek_id: str) -> Kek:
        if kek_id not in self._held:
            # Another process may have gone over to a new KEK.
            self._held = self._kek.load()
        if kek_id not in self._held:
            msg = (
                "the key encryption key is not the one this keyring was written under: provide "
                "the right kek_file (or KEK variable); without it the keys are lost"
            )
            raise OfficeError(msg)
        return self._held[kek_id]

    def _unwrap(self, name: KeyName, row: Row[Any]) -> EpochKey:
        wrapped = Wrapped(row.kek, row.nonce, row.wrapped)
        return unwrap(wrapped, name, self._kek_of(wrapped.kek))


def _row(connection: Connection, name: KeyName) -> Row[Any] | None:
    return connection.execute(select(KEYS).where(*_is(name))).one_or_none()


def _is(name: KeyName) -> tuple[Any, ...]:
    return tuple(KEYS.c[column] == value for column, value in _named(name).items())


def _named(name: KeyName) -> dict[str, Any]:
    purpose, recipient, epoch = name
    return {"purpose": purpose, "recipient": recipient, "epoch": epoch}
