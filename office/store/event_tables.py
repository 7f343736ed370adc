"""The office's tables of events that end lives, and of which ends were carried out.

Times are integer milliseconds UTC. An event names a person or a device, never both.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table

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
