"""People as packed rows in Python: the definition, and what runs where the core does not."""

from collections.abc import Collection

from processors.changes import Change, Changes
from processors.compact.rows import KnownRow, Rows
from processors.people import NO_LINK, by_beginning, link_among, registered_since_ms
from processors.restrictions import Restrictions
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
)


class PackedPeople:
    """Obeys ``People``. Not thread-safe."""

    def __init__(self) -> None:
        self.changes = Changes()
        self._rows = Rows()
        self._unknown: dict[bytes, str | None] = {}
        self._unknown_links: dict[str, int] = {}
        self._restrictions = Restrictions(self._note)

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        """As ``People``."""
        match row:
            case Heartbeat():
                pass
            case Restriction():
                self._apply(key, None)
                self._restrictions.put(key, row)
            case _:
                self._restrictions.remove(key)
                self._apply(key, row)

    def _apply(self, key: bytes, row: KnownRow | None) -> None:
        number = self._rows.find(key)
        before = self._rows.row(number) if number else None
        if key in self._unknown:
            self._know_again(key)
        elif row == before:
            return
        if before is not None:
            self.changes.note(_change_of(before))
            self._rows.remove(key)
        if row is not None:
            self.changes.note(_change_of(row))
            self._rows.add(key, row)

    def withhold(self, key: bytes) -> bool:
        """As ``People``."""
        if key in self._restrictions:
            self._restrictions.withhold(key)
            return True
        number = self._rows.find(key)
        if not number:
            return key in self._unknown
        row = self._rows.row(number)
        self.changes.note(_change_of(row))
        self._rows.remove(key)
        device = row.device if isinstance(row, LinkInterval) else None
        self._unknown[key] = device
        if device is not None:
            self._unknown_links[device] = self._unknown_links.get(device, 0) + 1
        return True

    def _know_again(self, key: bytes) -> None:
        device = self._unknown.pop(key)
        if device is not None:
            self.changes.note(Change("device", device))
            self._unknown_links[device] -= 1
            if not self._unknown_links[device]:
                del self._unknown_links[device]

    def _note(self, change: Change) -> None:
        self.changes.note(change)

    def registered_ms(self, device: str) -> int | None:
        """As ``People``."""
        rows = self._of_device(device)
        return registered_since_ms(
            [row.registered_ms for row in rows if isinstance(row, DeviceRegistration)]
        )

    def services(self, device: str) -> Collection[str | None]:
        """As ``People``."""
        rows = self._of_device(device)
        return {row.service for row in rows if isinstance(row, DeviceRegistration)}

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        """As ``People``."""
        if device in self._unknown_links:
            return NO_LINK
        rows = self._of_device(device)
        return link_among([row for row in rows if isinstance(row, LinkInterval)], event_ms)

    def consents_of(self, subject: str) -> list[ConsentInterval]:
        """As ``People``."""
        rows = [self._rows.row(number) for number in self._rows.of(self._rows.subjects, subject)]
        consents = [row for row in rows if isinstance(row, ConsentInterval)]
        return sorted(consents, key=by_beginning)

    def restrictions_of(self, subject: str) -> list[Restriction]:
        """As ``People``."""
        return self._restrictions.of(subject)

    def row_hash(self, key: bytes) -> int | None:
        """As ``People``."""
        if key in self._restrictions:
            return self._restrictions.row_hash(key)
        number = self._rows.find(key)
        return self._rows.hash_beside(number) if number else None

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """As ``People``."""
        if key in self._restrictions:
            self._restrictions.keep_hash(key, hashed)
            return
        number = self._rows.find(key)
        if not number:
            msg = "no row is there"
            raise KeyError(msg)
        self._rows.keep_beside(number, hashed)

    def usual_rows(self, mark: bytes, kinds: Collection[type[ControlRow]]) -> None:
        """As ``People``: each row is applied by itself."""

    def _of_device(self, device: str) -> list[KnownRow]:
        return [self._rows.row(number) for number in self._rows.of(self._rows.devices, device)]


def _change_of(row: KnownRow) -> Change:
    if isinstance(row, ConsentInterval):
        return Change("subject", row.subject)
    return Change("device", row.device)
