"""The office's tables of events that end lives, of their topic, and of ends that were carried out.

Times are integer milliseconds UTC. An event names a person or a device, never both.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table

from office.store.tables import OFFICE

EVENTS: Final = Table(
    "events",
    OFFICE,
    Column("event", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String),
    Column("device", String),
    Column("at_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    # Before that nothing of it is due; at most a day ahead, as a new version may shorten an end.
    Column("look_ms", BigInteger, nullable=False, server_default="0"),
    # Whether an end of it was carried out that is to be asked for again; NULL: it was not.
    Column("acted", Boolean),
    # Who reported it first: a command here, or another system on the topic.
    Column("origin", String, nullable=False, server_default="office"),
    Index("events_by_subject", "subject"),
    Index("events_by_look", "look_ms"),
)

EVENT_ENDS: Final = Table(
    "event_ends",
    OFFICE,
    Column("event", String, ForeignKey("events.event"), primary_key=True),
    Column("output", String, primary_key=True),
    Column("lane", String, primary_key=True),
    Column("due_ms", BigInteger, nullable=False),
)
"""Ends that were asked to be carried out; none is asked twice."""

EVENT_IDS: Final = Table(
    "event_ids",
    OFFICE,
    # A digest: what senders take for an id may say more than it should.
    Column("digest", String, primary_key=True),
    # No foreign key: an id ends by its own age, whatever becomes of the event.
    Column("event", String, nullable=False),
    Column("told_ms", BigInteger, nullable=False),
    Index("event_ids_by_event", "event"),
    Index("event_ids_by_told", "told_ms"),
)
"""Ids under which other systems reported events, for as long as a topic may be read again."""

EVENT_PLACES: Final = Table(
    "event_places",
    OFFICE,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    # Kafka's: offsets are of one topic, and a topic made anew has another id.
    Column("topic_id", String, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
)
"""How far the topic of reported events is on record."""

REFUSED_EVENTS: Final = Table(
    "refused_events",
    OFFICE,
    Column("topic_id", String, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Answers that wait to be published: the places of records that were refused, and why."""
