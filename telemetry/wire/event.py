"""What happened that ends lives, as another system reports it, and the office's answer if refused.

In: bytes of a record, and its key. Out: an event, or the reason why it is none. An event names a
person or a device, in the words of the file form; its id is the sender's own and its Kafka key.
A refusal names the place of the record alone: nothing of what it held is ever repeated.
"""

import re
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from telemetry.identity import MASK
from telemetry.instants import is_instant, parse_instant

EVENT_BYTES_MAX: Final = 4 * 1024
"""One event, as JSON; a longer record is not read."""
REFUSAL_BYTES_MAX: Final = 1024
EVENT_ID: Final = r"^[A-Za-z0-9_-]{8,64}$"
_ID: Final = re.compile(EVENT_ID)

Opaque = Annotated[str, Meta(min_length=1, max_length=128)]


class EventRefusal(StrEnum):
    """Why an event is not recorded; a metric's label, so that it says nothing of anybody."""

    NO_VALUE = "no value"
    """A tombstone: what was reported is not taken back by the topic."""
    OVERSIZED = "oversized"
    UNDECODABLE = "undecodable"
    """No event in JSON, or a field that no event has."""
    FOREIGN = "foreign"
    """Its key is another than its id."""
    UNPACKING = "unpacking"
    """In a batch that unpacks to too much, or not at all."""
    NO_INSTANT = "no instant"
    """Earlier or later than any clock has it."""
    UNKNOWN_EVENT = "unknown event"
    """No policy can count from it."""
    NOT_ONE = "not one"
    """It names neither a person nor a device, or both."""
    AHEAD = "ahead"
    """It has not happened yet, by the office's clock and what clocks may differ."""
    UNKNOWN = "unknown"
    """The office knows nobody, or no device, of that id."""
    ID_REUSED = "id reused"
    """Another event was reported under that id."""
    TOO_MANY = "too many"
    """As many ids are remembered as the settings allow, or as may be of one person or device."""


class ReportedEvent(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An event on ``events.reported``, about a person or a device."""

    v: Literal[1]
    id: Annotated[str, Meta(pattern=EVENT_ID)]
    """The sender's own, and the Kafka key: what is sent again does nothing. It names nobody."""
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    """The event as the policy names it."""
    at: Annotated[str, Meta(min_length=1, max_length=64)]
    """When it happened: RFC 3339 with a zone."""
    subject: Opaque | None = None
    device: Opaque | None = None

    def __repr__(self) -> str:
        return f"ReportedEvent({MASK})"

    @property
    def at_ms(self) -> int:
        """When it happened, milliseconds UTC; ValueError if ``at`` is no instant."""
        return parse_instant(self.at)

    @property
    def key(self) -> bytes:
        """The Kafka key."""
        return self.id.encode()


class RefusedEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On ``audit.events``: the record at this place was not recorded, and why. Key: the place."""

    v: Literal[1]
    topic_id: Annotated[str, Meta(max_length=64)]
    """Kafka's id of the topic of that name: offsets of one made anew begin again."""
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    reason: EventRefusal
    at_ms: int
    """When it was refused, by the office's clock, milliseconds UTC."""

    @property
    def key(self) -> bytes:
        """The Kafka key; an answer that is given twice has it twice."""
        return f"{self.topic_id}/{self.partition}@{self.offset}".encode()


_event: msgspec.json.Decoder[ReportedEvent] = msgspec.json.Decoder(ReportedEvent)
_refused: msgspec.json.Decoder[RefusedEvent] = msgspec.json.Decoder(RefusedEvent)


def encode_event(event: ReportedEvent) -> bytes:
    """The JSON value of an event; ValueError if it is none that the office takes."""
    value = msgspec.json.encode(event)
    if take_event(event.key, value) != event:
        msg = "an event with an id, an instant or a length that none can have"
        raise ValueError(msg)
    return value


def take_event(key: bytes | None, value: bytes | None) -> ReportedEvent | EventRefusal:
    """The event as it comes on its topic, or why it is none; whom it names is not looked at."""
    if value is None:
        return EventRefusal.NO_VALUE
    if len(value) > EVENT_BYTES_MAX:
        return EventRefusal.OVERSIZED
    try:
        event = _event.decode(value)
        at_ms = event.at_ms
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return EventRefusal.UNDECODABLE
    # The pattern in the schema, as others read it, lets an id end in a line break.
    if not _ID.fullmatch(event.id):
        return EventRefusal.UNDECODABLE
    if key != event.key:
        return EventRefusal.FOREIGN
    return event if is_instant(at_ms) else EventRefusal.NO_INSTANT


def encode_refused(refused: RefusedEvent) -> bytes:
    """The JSON value of a refusal."""
    return msgspec.json.encode(refused)


def take_refused(value: bytes | None) -> RefusedEvent | None:
    """The refusal as it comes on its topic; None if it is none."""
    if value is None or len(value) > REFUSAL_BYTES_MAX:
        return None
    try:
        refused = _refused.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return refused if is_instant(refused.at_ms) else None
