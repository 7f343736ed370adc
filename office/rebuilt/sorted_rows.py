"""What lies on the control topics as rows of the office, by kind. Pure.

In: live rows by topic. Out: devices, links, consents, restrictions, versions, commands, and how
many cannot be read by this program.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from office.ports import ControlRecord
from telemetry.topics import (
    CONTROL_CONSENTS,
    CONTROL_LINKS,
    CONTROL_POLICIES,
    CONTROL_SEALING,
    commanded_output,
)
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    LinkInterval,
    Restriction,
    decode_row,
)
from telemetry.wire.erasure import EraseCommand, take_command
from telemetry.wire.hold import HoldCommand, hold_key, is_hold, take_hold
from telemetry.wire.publication import Publication, PublicationError, decode_publication
from telemetry.wire.sealing_key import SealingKeyError, decode_sealing_key, row_of


class KnownDevice(NamedTuple):
    """A registration does not hold its own row id."""

    row: str
    registration: DeviceRegistration


class Commanded(NamedTuple):
    """A command of erasure as it lies there."""

    topic: str
    command: EraseCommand
    value: bytes


class Held(NamedTuple):
    """A command of a hold as it lies there."""

    topic: str
    command: HoldCommand
    value: bytes


@dataclass(slots=True)
class Rows:
    """Every row that a topic holds."""

    devices: list[KnownDevice] = field(default_factory=list)
    links: list[LinkInterval] = field(default_factory=list)
    consents: list[ConsentInterval] = field(default_factory=list)
    restrictions: list[Restriction] = field(default_factory=list)
    versions: list[tuple[Publication, bytes]] = field(default_factory=list)
    commands: list[Commanded] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    sealing_keys: dict[str, bytes] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)
    """By topic."""

    def counts(self) -> dict[str, int]:
        """How many of each kind; nobody's own."""
        return {
            "devices": len(self.devices),
            "links": len(self.links),
            "consents": len(self.consents),
            "restrictions": len(self.restrictions),
            "versions": len(self.versions),
            "erase_commands": len(self.commands),
            "hold_commands": len(self.holds),
        }


def sort_out(records: Iterable[ControlRecord]) -> Rows:
    """Sort live rows by what they are."""
    rows, devices = Rows(), set[str]()
    for one in records:
        if one.value is None or not _taken(rows, devices, one, one.value):
            rows.unreadable[one.topic] += 1
    rows.versions.sort(key=lambda version: version[0].version)
    return rows


def _taken(rows: Rows, devices: set[str], one: ControlRecord, value: bytes) -> bool:
    output = commanded_output(one.topic)
    if output is not None:
        return _command_taken(rows, one, value, output)
    if one.topic == CONTROL_POLICIES:
        return _version_taken(rows, one.key, value)
    if one.topic == CONTROL_SEALING:
        return _sealing_key_taken(rows, one.key, value)
    try:
        row, name = decode_row(value), one.key.decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return _row_taken(rows, devices, one.topic, name, row)


def _row_taken(rows: Rows, devices: set[str], topic: str, name: str, row: ControlRow) -> bool:
    of_links, of_consents = topic == CONTROL_LINKS, topic == CONTROL_CONSENTS
    match row:
        case DeviceRegistration() if of_links and row.device not in devices:
            devices.add(row.device)
            rows.devices.append(KnownDevice(name, row))
        case LinkInterval() if of_links and row.link == name:
            rows.links.append(row)
        case ConsentInterval() if of_consents and row.consent == name:
            rows.consents.append(row)
        case Restriction() if of_consents and row.restriction == name:
            rows.restrictions.append(row)
        case _:
            return False
    return True


def _version_taken(rows: Rows, key: bytes, value: bytes) -> bool:
    try:
        version = decode_publication(value)
    except PublicationError:
        return False
    known = {other.version for other, _ in rows.versions}
    if version.key != key or version.version in known:
        return False
    rows.versions.append((version, value))
    return True


def _sealing_key_taken(rows: Rows, key: bytes, value: bytes) -> bool:
    """An office holds it against its own keys: one that it has not goes."""
    try:
        row = row_of(decode_sealing_key(value).period)
    except SealingKeyError:
        return False
    if row.encode() != key:
        return False
    rows.sealing_keys[row] = value
    return True


def _command_taken(rows: Rows, one: ControlRecord, value: bytes, output: str) -> bool:
    if is_hold(one.key):
        held = take_hold(value, output)
        if held is None or hold_key(held.command).encode() != one.key:
            return False
        rows.holds.append(Held(one.topic, held, value))
        return True
    command = take_command(value, output)
    if command is None or command.command.encode() != one.key:
        return False
    rows.commands.append(Commanded(one.topic, command, value))
    return True
