"""People as plain objects: what the packed ones, or any other, have to answer. Slow and obvious."""

from processors.people import FOREVER_MS
from telemetry.identity import SubjectId
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
)


class PlainPeople:
    """The questions of ``People``, answered by looking at every row each time."""

    def __init__(self) -> None:
        self.rows: dict[
            bytes, DeviceRegistration | LinkInterval | ConsentInterval | Restriction
        ] = {}
        self.hashes: dict[bytes, int] = {}
        self.unknown: dict[bytes, str | None] = {}
        self.unknown_restrictions: dict[bytes, SubjectId] = {}

    def apply(self, key: bytes, row: ControlRow | None) -> None:
        if isinstance(row, Heartbeat):
            return
        self.unknown.pop(key, None)
        self.unknown_restrictions.pop(key, None)
        if row is None:
            self.rows.pop(key, None)
            self.hashes.pop(key, None)
        else:
            if self.rows.get(key) != row:
                self.hashes[key] = 0
            self.rows[key] = row

    def withhold(self, key: bytes) -> bool:
        row = self.rows.pop(key, None)
        self.hashes.pop(key, None)
        if row is None:
            return key in self.unknown or key in self.unknown_restrictions
        if isinstance(row, Restriction):
            self.unknown_restrictions[key] = row.subject
            return True
        self.unknown[key] = row.device if isinstance(row, LinkInterval) else None
        return True

    def registered_ms(self, device: str) -> int | None:
        rows = [row for row in self.rows.values() if isinstance(row, DeviceRegistration)]
        found = [max(0, row.registered_ms) for row in rows if row.device == device]
        return max(found, default=None)

    def services(self, device: str) -> set[str | None]:
        rows = [row for row in self.rows.values() if isinstance(row, DeviceRegistration)]
        return {row.service for row in rows if row.device == device}

    def link_at(self, device: str, event_ms: int) -> tuple[LinkInterval | None, int, int]:
        rows = [row for row in self.rows.values() if isinstance(row, LinkInterval)]
        links = [row for row in rows if row.device == device]
        if device in self.unknown.values():
            return None, -FOREVER_MS, FOREVER_MS
        edges = {-FOREVER_MS, FOREVER_MS}
        for link in links:
            if link.to_ms is None or link.to_ms > link.from_ms:
                edges |= {link.from_ms} if link.to_ms is None else {link.from_ms, link.to_ms}
        holding = [
            link
            for link in links
            if link.from_ms <= event_ms and (link.to_ms is None or event_ms < link.to_ms)
        ]
        from_ms = max(edge for edge in edges if edge <= event_ms)
        to_ms = min(edge for edge in edges if edge > event_ms)
        return holding[0] if len(holding) == 1 else None, from_ms, to_ms

    def consents_of(self, subject: str) -> list[ConsentInterval]:
        rows = [row for row in self.rows.values() if isinstance(row, ConsentInterval)]
        consents = [row for row in rows if row.subject == subject]
        return sorted(
            consents,
            key=lambda row: (
                row.from_ms, row.consent, row.purpose, row.basis, row.notice, str(row.recipient),
                FOREVER_MS if row.to_ms is None else row.to_ms,
            ),
        )  # fmt: skip

    def restrictions_of(self, subject: str) -> list[Restriction]:
        rows = [row for row in self.rows.values() if isinstance(row, Restriction)]
        rows += [
            Restriction("", one, "objected", None, None, -FOREVER_MS, None)
            for one in self.unknown_restrictions.values()
        ]
        return sorted(
            (row for row in rows if row.subject == subject),
            key=lambda row: (
                row.from_ms, row.restriction, row.reason, row.purpose is None, row.purpose or "",
                row.recipient is None, row.recipient or "",
                FOREVER_MS if row.to_ms is None else row.to_ms,
            ),
        )  # fmt: skip

    def row_hash(self, key: bytes) -> int | None:
        return self.hashes.get(key)

    def keep_hash(self, key: bytes, hashed: int) -> None:
        self.hashes[key] = hashed
