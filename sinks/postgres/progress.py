"""How far every topic's partition is, and which ids it kept: in memory as in the tables.

The one writer reads both as it opens; what a write changes holds here once it has committed there.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sinks.port.duplicates import Seen, Window
from sinks.port.results import Place
from sinks.postgres.connection import Connection, first

Spot = tuple[str, int]
"""A topic and a partition of it."""
_SLACK: Final = 4
"""One in so many ids more than the window has may stay before it is worth removing them."""


class At(NamedTuple):
    """How far a partition is kept."""

    next_offset: int = 0
    topic_id: str | None = None
    """None: it is not known of which topic of that name."""
    stored_before: int = 0
    """Below this offset, what has rows already is dropped by its id."""


class Progress:
    """The places and windows of a store's one writer."""

    def __init__(self, connection: Connection, window: int) -> None:
        self._size = window
        self._spots: dict[Spot, int] = {}
        self._places: dict[Spot, At] = {}
        self._windows: dict[Spot, Window] = {}
        self._stored: dict[Spot, int] = {}
        """How many ids the table has of each."""
        for spot, key, at in _stored_places(connection):
            self._spots[spot], self._places[spot] = key, at
            self._read_ids(connection, spot)

    def at(self, spot: Spot) -> At | None:
        """How far a partition is; None before its first record."""
        return self._places.get(spot)

    def places(self) -> dict[Spot, Place]:
        """How far each is, and of which topic."""
        return {spot: Place(at.next_offset, at.topic_id) for spot, at in self._places.items()}

    def of_topic(self, topic: str) -> dict[Spot, At]:
        """The partitions of a topic that have a place."""
        return {spot: at for spot, at in self._places.items() if spot[0] == topic}

    def window(self, spot: Spot) -> Window:
        """The ids that a partition kept most recently."""
        return self._windows.setdefault(spot, Window(self._size))

    def store(
        self, connection: Connection, places: Mapping[Spot, At], seen: Mapping[Spot, Sequence[Seen]]
    ) -> dict[Spot, int]:
        """Write these in the transaction that is open; ``take`` its answer once it has committed.

        Nothing that is known here changes before.
        """
        spots = {spot: _store_place(connection, spot, at) for spot, at in sorted(places.items())}
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY _seen (spot, digest, expires_ms) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(["int4", "bytea", "int8"])
            for spot, found in seen.items():
                for digest, expires_ms in found:
                    copy.write_row((spots[spot], digest, expires_ms))
        for spot, found in seen.items():
            if self._is_over(spot, len(found)):
                _remove_oldest(connection, spots[spot], self._size)
        return spots

    def take(
        self,
        spots: Mapping[Spot, int],
        places: Mapping[Spot, At],
        seen: Mapping[Spot, Sequence[Seen]],
    ) -> None:
        """Know what was stored from now on."""
        self._spots |= spots
        self._places |= places
        for spot, found in seen.items():
            over = self._is_over(spot, len(found))
            self._stored[spot] = self._size if over else self._stored.get(spot, 0) + len(found)
            self.window(spot).remember(found)

    def forget(self, connection: Connection, now_ms: int) -> None:
        """Drop the ids of expired records."""
        if sum(window.forget(now_ms) for window in self._windows.values()):
            connection.execute("DELETE FROM _seen WHERE expires_ms <= %s", (now_ms,))

    def _is_over(self, spot: Spot, more: int) -> bool:
        return self._stored.get(spot, 0) + more > self._size + self._size // _SLACK

    def _read_ids(self, connection: Connection, spot: Spot) -> None:
        found: list[Seen] = connection.execute(
            "SELECT digest, expires_ms FROM _seen WHERE spot = %s ORDER BY number",
            (self._spots[spot],),
        ).fetchall()
        self._stored[spot] = len(found)
        self.window(spot).remember(found)


def stored_places(connection: Connection) -> dict[Spot, Place]:
    """How far each is by the tables alone, from beside the writer."""
    return {spot: Place(at.next_offset, at.topic_id) for spot, _, at in _stored_places(connection)}


def _stored_places(connection: Connection) -> list[tuple[Spot, int, At]]:
    found = connection.execute(
        "SELECT topic, partition_number, spot, next_offset, topic_id, stored_before"
        " FROM _positions ORDER BY topic, partition_number"
    ).fetchall()
    return [
        (
            (topic, partition),
            spot,
            At(next_, topic_id, before),
        )
        for topic, partition, spot, next_, topic_id, before in found
    ]


def _store_place(connection: Connection, spot: Spot, at: At) -> int:
    stored = connection.execute(
        "INSERT INTO _positions (topic, partition_number, next_offset, topic_id, stored_before)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (topic, partition_number) DO UPDATE"
        " SET next_offset = excluded.next_offset, topic_id = excluded.topic_id,"
        " stored_before = excluded.stored_before, moved_at = clock_timestamp() RETURNING spot",
        (*spot, *at),
    )
    spot_key: int = first(stored)[0]
    return spot_key


def _remove_oldest(connection: Connection, spot: int, size: int) -> None:
    connection.execute(
        "DELETE FROM _seen WHERE spot = %(spot)s AND number <= ("
        " SELECT number FROM _seen WHERE spot = %(spot)s ORDER BY number DESC OFFSET %(size)s"
        " LIMIT 1)",
        {"spot": spot, "size": size},
    )
