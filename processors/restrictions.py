"""What is kept back of whom: the few rows that both holders of people keep as objects, alike.

In: restrictions under their keys, or that one is unknown. Out: those of a subject, and whose
changed.
"""

from collections.abc import Callable

from processors.changes import Change
from processors.people import FOREVER_MS
from telemetry.identity import SubjectId
from telemetry.wire.control import Restriction


class Restrictions:
    """Restrictions by key and by subject; ``note`` hears of each change. Not thread-safe."""

    def __init__(self, note: Callable[[Change], None]) -> None:
        self._note = note
        self._rows: dict[bytes, Restriction] = {}
        """An unknown one is here too, as ``unknown_restriction``."""
        self._unknown: set[bytes] = set()
        self._hashes: dict[bytes, int] = {}
        self._keys_of: dict[str, set[bytes]] = {}

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._rows)

    def __contains__(self, key: bytes) -> bool:
        """A restriction is under this key, though it may be unknown what it says."""
        return key in self._rows

    def put(self, key: bytes, row: Restriction) -> None:
        """Keep a restriction; one that is there already changes nothing."""
        if self._rows.get(key) == row and key not in self._unknown:
            return
        self.remove(key)
        self._add(key, row)
        self._hashes[key] = 0

    def remove(self, key: bytes) -> None:
        """Forget the restriction under this key, if there is one."""
        row = self._rows.pop(key, None)
        if row is None:
            return
        self._unknown.discard(key)
        self._hashes.pop(key, None)
        keys = self._keys_of[row.subject]
        keys.remove(key)
        if not keys:
            del self._keys_of[row.subject]
        self._note(Change("subject", row.subject))

    def withhold(self, key: bytes) -> None:
        """What the restriction under this key says is unknown from now on."""
        if key not in self._unknown:
            subject = self._rows[key].subject
            self.remove(key)
            self._add(key, unknown_restriction(subject))
            self._unknown.add(key)

    def of(self, subject: str) -> list[Restriction]:
        """As ``People.restrictions_of``."""
        keys = self._keys_of.get(subject)
        return [] if keys is None else sorted((self._rows[key] for key in keys), key=_by_beginning)

    def row_hash(self, key: bytes) -> int | None:
        """The hash kept with the restriction, 0 if none was; None if it is unknown."""
        return self._hashes.get(key)

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """As ``People.keep_hash``."""
        if key not in self._hashes:
            msg = "no row is there"
            raise KeyError(msg)
        self._hashes[key] = hashed

    def _add(self, key: bytes, row: Restriction) -> None:
        self._rows[key] = row
        self._keys_of.setdefault(row.subject, set()).add(key)
        self._note(Change("subject", row.subject))


def unknown_restriction(subject: SubjectId) -> Restriction:
    """What stands for a restriction of which nothing but the subject is known."""
    return Restriction("", subject, "objected", None, None, -FOREVER_MS, None)


def _by_beginning(row: Restriction) -> tuple[int | str, ...]:
    to_ms = FOREVER_MS if row.to_ms is None else row.to_ms
    meant = row.reason, row.purpose is None, row.purpose or "", row.recipient is None
    return row.from_ms, row.restriction, *meant, row.recipient or "", to_ms
