"""Whom published rows are about: so that what was made of them is made anew for those alone.

In: records in the order in which they are published. Out: devices and people since last asked, or
that it may be anyone. In memory and bounded; nothing of it is ever logged.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from office.ports import ControlRecord
from telemetry.identity import MASK
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS
from telemetry.wire.control import (
    ConsentInterval,
    DeviceRegistration,
    LinkInterval,
    Restriction,
    decode_row,
)

CHANGED_MAX: Final = 10_000
"""With more names than that, it may be anyone."""


class Changes(NamedTuple):
    """Whose rows changed."""

    everyone: bool = False
    devices: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    """Ids of links that are gone: a deleted row does not say whose it was."""

    def __repr__(self) -> str:
        return f"Changes({MASK})"


class PublishedChanges:
    """What one publishing process has published, and nobody has asked for yet."""

    def __init__(self) -> None:
        self._high_water: int | None = None
        self._changes = Changes()

    def follow(self, high_water: int) -> None:
        """Publishing goes on behind this sequence; what another process published is not known."""
        if self._high_water != high_water:
            self._changes = Changes(everyone=True)
            self._high_water = high_water

    def take(self, records: Iterable[ControlRecord], high_water: int) -> None:
        """Note what these published records, up to this sequence, are about."""
        self._high_water = high_water
        if not self._changes.everyone:
            self.put_back(_about(records))

    def taken(self) -> Changes:
        """All that was noted since this was last asked."""
        found, self._changes = self._changes, Changes()
        return found

    def put_back(self, some: Changes) -> None:
        """Note again what could not be dealt with."""
        mine = self._changes
        more = Changes(
            mine.everyone or some.everyone,
            mine.devices | some.devices,
            mine.subjects | some.subjects,
            mine.links | some.links,
        )
        many = len(more.devices) + len(more.subjects) + len(more.links) > CHANGED_MAX
        self._changes = Changes(everyone=True) if many or more.everyone else more


def _about(records: Iterable[ControlRecord]) -> Changes:
    devices, subjects, links = set[str](), set[str](), set[str]()
    for record in records:
        if record.topic not in (CONTROL_LINKS, CONTROL_CONSENTS):
            continue
        if record.value is None:
            # A consent or restriction goes once it holds nothing any more, or with its links.
            if record.topic == CONTROL_LINKS:
                links.add(record.key.decode())
            continue
        match decode_row(record.value):
            case DeviceRegistration(device=device) | LinkInterval(device=device):
                devices.add(device)
            case ConsentInterval(subject=subject) | Restriction(subject=subject):
                subjects.add(subject)
            case _:
                pass
    return Changes(devices=frozenset(devices), subjects=frozenset(subjects), links=frozenset(links))
