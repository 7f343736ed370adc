"""What a memory knows: asked by name, since it holds none.

A name is hashed under the key of every week that is left; there are few. In: a connection within a
transaction. Out: answers as of that transaction.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from office.errors import OfficeError
from office.replay_memory import tables
from office.replay_memory.hashing import WeekKey
from office.replay_memory.items import COMMAND, PERSON, RESTRICTION
from telemetry.wire.control import RestrictionReason

_FACTS = "reason, purpose, recipient, from_ms, to_ms, at_ms"


class End(NamedTuple):
    """That something ended, and when that was said last."""

    to_ms: int | None
    """None: it is gone."""
    at_ms: int

    def covers(self, to_ms: int | None) -> bool:
        """Whether an end at ``to_ms`` would be nothing new."""
        return self.to_ms is None or (to_ms is not None and self.to_ms <= to_ms)


class Withholding(NamedTuple):
    """What is kept back of somebody, and when that was said last."""

    reason: RestrictionReason
    purpose: str | None
    recipient: str | None
    from_ms: int
    to_ms: int | None
    at_ms: int


class CommandValue(NamedTuple):
    """A command of erasure as it was published."""

    output: str
    value: bytes


class StoreOf(NamedTuple):
    """A store, and an output of which it keeps rows."""

    store: str
    output: str


class Known:
    """Everything in one memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT id, week, key FROM weeks ORDER BY week DESC, id")
        self.weeks = tuple(WeekKey(*row) for row in rows)
        """The newest first."""
        self._said = dict(connection.execute("SELECT name, value FROM said").fetchall())

    @property
    def since_ms(self) -> int:
        """From then on nothing is missing."""
        return int(self._said[tables.SINCE])

    @property
    def copied_ms(self) -> int | None:
        """None: it is the office's own; else a copy of then, and what came later is missing."""
        return self._said.get(tables.COPIED)

    def ended(self, kind: str, name: str) -> End | None:
        """Whether this ended; if several weeks know of it, what ends it first."""
        query = "SELECT to_ms, at_ms FROM ended WHERE week = ? AND hash = ?"
        ends = [End(*row) for row in self._rows(query, kind, name)]
        if not ends:
            return None
        dates = [one.to_ms for one in ends if one.to_ms is not None]
        to_ms = min(dates) if len(dates) == len(ends) else None
        return End(to_ms, max(one.at_ms for one in ends))

    def withheld(self, restriction: str) -> Withholding | None:
        """What is known of a restriction, by the newest week that knows of it."""
        query = f"SELECT {_FACTS} FROM withheld WHERE week = ? AND hash = ?"  # noqa: S608  # a constant
        return next(
            (Withholding(*row) for row in self._rows(query, RESTRICTION, restriction)), None
        )

    def withheld_of(self, subject: str) -> list[tuple[bytes, Withholding]]:
        """All that is kept back of somebody, with the hash of each restriction's id."""
        query = f"SELECT hash, {_FACTS} FROM withheld WHERE week = ? AND person = ?"  # noqa: S608  # as above
        return [
            (row[0], Withholding(*row[1:]))
            for key in self.weeks
            for row in self._connection.execute(query, (key.id, key.hashed(PERSON, subject)))
        ]

    def commanded(self, command: str) -> bool:
        """Whether the command is known."""
        query = "SELECT 1 FROM commanded WHERE week = ? AND hash = ?"
        return any(True for _ in self._rows(query, COMMAND, command))

    def commands(self) -> Iterator[CommandValue]:
        """Every command, opened, one after the other; OfficeError if one was altered."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # as in hashing

        query = "SELECT sealed FROM commanded WHERE week = ? ORDER BY at_ms, hash"
        for key in self.weeks:
            for (sealed,) in self._connection.execute(query, (key.id,)):
                try:
                    output, _, value = key.opened(sealed).partition(b"\n")
                except (InvalidTag, ValueError):  # ValueError: it is shorter than its nonce
                    msg = (
                        "the memory of what was removed is damaged, a command in it does not open: "
                        "put the office's own suppressions.sqlite there, or use another backup"
                    )
                    raise OfficeError(msg) from None
                yield CommandValue(output.decode(), value)

    def published(self) -> dict[str, bytes]:
        """Every version of the policy that was published, by its key."""
        return dict(self._connection.execute("SELECT name, value FROM published").fetchall())

    def stores(self) -> dict[StoreOf, int]:
        """Who keeps rows of which output, with since when, milliseconds UTC."""
        return {
            StoreOf(*name.removeprefix(tables.STORE).split(" ", 1)): since_ms
            for name, since_ms in self._said.items()
            if name.startswith(tables.STORE)
        }

    def _rows(self, query: str, kind: str, name: str) -> Iterator[Any]:
        for key in self.weeks:
            yield from self._connection.execute(query, (key.id, key.hashed(kind, name)))
