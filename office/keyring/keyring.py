"""The keyring: a random key per (purpose, recipient, epoch), wrapped under a KEK, on disk.

Calls block for milliseconds; an event loop calls them in a thread. Keys are random, not
derived, and live until the last record of their epoch has expired, because erasing
recomputes pseudonyms. Keyring and KEK must never enter a backup.
"""

import secrets
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

from office.errors import OfficeError
from office.keyring import tables
from office.keyring.kek import Kek, KekHolder
from office.keyring.wrapping import KeyName, Wrapped, unwrap, wrap
from office.store import sqlite_file
from office.store.file_faults import in_words
from office.store.newer import refuse_newer
from office.store.private_file import PrivateFile
from telemetry.identity import EpochKey

EPOCH_KEY_BYTES: Final = 32
INSTALLATION_BYTES: Final = 16

KeyState = Literal["live", "destroyed"]


class Keyring(PrivateFile):
    """One database file and the KEK that opens it; several processes may share both."""

    CALLED = "keyring"

    def __init__(self, file: Path, kek: KekHolder) -> None:
        super().__init__(file)
        self._kek = kek
        self._held: Mapping[str, Kek] = {}

    @classmethod
    def open(cls, file: Path, kek: KekHolder) -> Self:
        """Open or create; OfficeError if the KEK is not the one of this keyring.

        So is it, here and in every call, if the file cannot be read or written, and here if a
        newer program made it. Finishes a destruction that was cut short.
        """
        try:
            with in_words(cls.CALLED, file.parent):
                sqlite_file.create_private(file)
        except OSError as error:
            msg = f"no keyring can be opened in {file.parent}: {error.strerror}"
            raise OfficeError(msg) from None
        keyring = cls(file, kek)
        with keyring._begun(sqlite_file.WRITING) as connection:
            refuse_newer(file, connection.execute, tables.known_columns())
            for table in tables.TABLES:
                connection.execute(table)
            connection.execute(tables.PUT_INSTALLATION, (secrets.token_hex(INSTALLATION_BYTES),))
            current = keyring._current(connection)
        if set(kek.load()) != {current}:
            keyring._finish_destruction()
        return keyring

    @classmethod
    def open_made(cls, file: Path, kek: KekHolder) -> Self:
        """As ``open``; OfficeError if none was made there: one made now would find nobody."""
        if not file.is_file():
            msg = (
                f"there is no keyring in {file.parent}, so that nobody's readings can be found: "
                "name the state folder of the workers (ROADFADE_STATE_DIR), or start one"
            )
            raise OfficeError(msg)
        return cls.open(file, kek)

    def get(self, purpose: str, recipient: str, epoch: str) -> EpochKey | None:
        """The key; None if it was never made, or is destroyed."""
        name = (purpose, recipient, epoch)
        # Under the write lock: between reading and unwrapping, no other process may
        # finish going over to a new KEK.
        with self._begun(sqlite_file.WRITING) as connection:
            found = _found(connection, name)
            return self._unwrap(name, found) if isinstance(found, Wrapped) else None

    def epochs(self, purpose: str, recipient: str) -> dict[str, EpochKey | None]:
        """Every key of these that was ever made, by its epoch; None: it is destroyed."""
        found: dict[str, EpochKey | None] = {}
        with self._begun(sqlite_file.WRITING) as connection:  # as in ``get``
            for epoch, *row in connection.execute(tables.FIND_EPOCHS, (purpose, recipient)):
                held = _held(row)
                name = purpose, recipient, epoch
                found[epoch] = self._unwrap(name, held) if isinstance(held, Wrapped) else None
        return found

    def ensure(self, wanted: Collection[KeyName]) -> dict[KeyName, EpochKey]:
        """The keys of these names, created if missing; durable on return.

        Whoever asks, in whatever process, gets the same key. A destroyed key is not made
        again: its name is absent from the answer.
        """
        with self._begun(sqlite_file.WRITING) as connection:
            kek = self._kek_of(self._current(connection))
            keys: dict[KeyName, EpochKey] = {}
            for name in sorted(wanted):
                found = _found(connection, name)
                if found is None:
                    keys[name] = EpochKey(secrets.token_bytes(EPOCH_KEY_BYTES))
                    connection.execute(tables.PUT, (*name, *wrap(keys[name], name, kek)))
                elif isinstance(found, Wrapped):
                    keys[name] = self._unwrap(name, found)
        return keys

    def state(self, name: KeyName) -> KeyState | None:
        """``destroyed``: rows made under it can no longer be located. None: never made."""
        with self._begun(sqlite_file.READING) as connection:
            found = _found(connection, name)
        return "live" if isinstance(found, Wrapped) else found

    def states(self) -> dict[KeyName, KeyState]:
        """Every key that was ever made; asks for no KEK."""
        with self._begun(sqlite_file.READING) as connection:
            rows = connection.execute(tables.FIND_STATES).fetchall()
        return {(p, r, e): "live" if held else "destroyed" for p, r, e, held in rows}

    def mark(self) -> str:
        """Equal as long as no key was destroyed; it says nothing of any key. Asks for no KEK.

        It begins with the installation's id and a space.

        It changes in the transaction that empties the rows, so that whoever keeps keys in memory
        learns of it by one small read.
        """
        with self._begun(sqlite_file.READING) as connection:
            (current,) = connection.execute(tables.CURRENT).fetchone()
            (installation,) = connection.execute(tables.INSTALLATION).fetchone()
        return f"{installation} {current}"

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
            connection.executemany(tables.PUT, [(*name, None, None, None) for name in names])
            for purpose, recipient, epoch, *row in connection.execute(tables.FIND_LIVE).fetchall():
                name = (purpose, recipient, epoch)
                again = wrap(self._unwrap(name, Wrapped(*row)), name, fresh)
                connection.execute(tables.PUT, (*name, *again))
            connection.execute(tables.PUT_CURRENT, (fresh.id,))
        self._finish_destruction()

    def _finish_destruction(self) -> None:
        with self._in_words(), sqlite_file.connected(self._file) as connection:
            sqlite_file.scrub(connection.execute)
        with self._begun(sqlite_file.WRITING) as connection:
            self._kek.keep_only(self._current(connection))
        self._held = {}

    def close(self) -> None:
        """Forget the KEK."""
        self._held = {}

    def _current(self, connection: sqlite3.Connection) -> str:
        """The id of the KEK in use; on a new keyring, chosen now."""
        row = connection.execute(tables.CURRENT).fetchone()
        if row is None:
            held = self._kek.load()
            current = next(iter(held)) if held else self._kek.add().id
            connection.execute(tables.PUT_CURRENT, (current,))
        else:
            (current,) = row
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

    def _unwrap(self, name: KeyName, wrapped: Wrapped) -> EpochKey:
        return unwrap(wrapped, name, self._kek_of(wrapped.kek))


def _found(connection: sqlite3.Connection, name: KeyName) -> Wrapped | Literal["destroyed"] | None:
    row = connection.execute(tables.FIND, name).fetchone()
    return None if row is None else _held(row)


def _held(row: Sequence[Any]) -> Wrapped | Literal["destroyed"]:
    return "destroyed" if row[2] is None else Wrapped(*row)
