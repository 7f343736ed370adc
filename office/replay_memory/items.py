"""What of a published change has to be remembered: whatever ends, withholds or removes. Pure.

In: a record as the outbox publishes it. Out: items; of a change that only gives, none, but
for the beginning of a link, which a correction may move.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from office.ports import ControlRecord
from telemetry.instants import FIRST_MS
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, CONTROL_POLICIES, commanded_output
from telemetry.wire.control import ConsentInterval, LinkInterval, Restriction, decode_row
from telemetry.wire.erasure import take_command
from telemetry.wire.hold import is_hold, take_hold

PERSON: Final = "person"
"""The kind of somebody who is to be forgotten as a whole; the id is theirs."""
EPOCH_KEY: Final = "epoch_key"
"""The kind of an epoch key; see ``key_id``."""
HOLD: Final = "hold"
"""The kind of a legal hold, and of its commands; one that is released has ended."""
BEGINNING: Final = "link_begins"
"""The kind of a link's beginning, which only ever moves later: its ``to_ms`` is that instant,
negative, so that of two the later one counts, as the earlier of two ends does."""
ERASED_WITH: Final = "erased_with"
"""The kind of a consent with which all goes that rests on it, by its id: from ``to_ms`` on."""
EVENT: Final = "event"
REPORTED: Final = "reported_event"
"""The kinds of an event that was taken back, and of the digests of ids that reported it."""
RESTRICTION: Final = "restriction"
COMMAND: Final = "command"
"""The kinds of what is remembered beside its name."""


class Ended(NamedTuple):
    """A row of the registry, by its topic and id, or whatever else has a kind of its own."""

    kind: str
    id: str
    to_ms: int | None
    """None: it is gone."""


class Withheld(NamedTuple):
    """A restriction, by its id."""

    row: Restriction


class Commanded(NamedTuple):
    """A command of erasure, by its id."""

    command: str
    output: str
    value: bytes


class Published(NamedTuple):
    """A version of the policy, by its key."""

    name: str
    value: bytes


Item = Ended | Withheld | Commanded | Published


def items_of(record: ControlRecord) -> Iterator[Item]:
    """What of this has to be remembered. A row that cannot be read is an error: it is our own."""
    name = record.key.decode()
    output = commanded_output(record.topic)
    if output is not None and is_hold(record.key):
        held = take_hold(record.value, output)
        if held is not None and held.released_ms is not None:
            yield Ended(HOLD, held.command, None)
    elif output is not None:
        command = take_command(record.value, output)
        if command is not None and record.value is not None:
            yield Commanded(command.command, output, record.value)
    elif record.topic == CONTROL_POLICIES:
        if record.value is not None:
            yield Published(name, record.value)
    elif record.topic in (CONTROL_LINKS, CONTROL_CONSENTS):
        yield from _of_row(record.topic, name, record.value)


def _of_row(topic: str, name: str, value: bytes | None) -> Iterator[Item]:
    if value is None:
        yield Ended(topic, name, None)
        return
    row = decode_row(value)
    if isinstance(row, LinkInterval):
        yield Ended(BEGINNING, name, -row.from_ms)
    if isinstance(row, LinkInterval | ConsentInterval | Restriction) and row.to_ms is not None:
        yield Ended(topic, name, row.to_ms)
    if isinstance(row, Restriction):
        yield Withheld(row)
        if _whole(row):
            yield Ended(PERSON, row.subject, None)


def key_id(purpose: str, recipient: str, epoch: str) -> str:
    """An epoch key's name as one text."""
    return msgspec.json.encode((purpose, recipient, epoch)).decode()


def _whole(row: Restriction) -> bool:
    """Whether it withholds whatever there ever was and will be: the person is to be forgotten."""
    return (
        row.reason == "erased"
        and row.purpose is None
        and row.recipient is None
        and row.from_ms <= FIRST_MS
        and row.to_ms is None
    )
