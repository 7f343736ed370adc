"""The office's tables of legal holds: what is held and why, commands, answers, who did what.

Times are integer milliseconds UTC. A person stands in ``holds`` alone, until they are forgotten or
the hold is released.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from office.store.tables import OFFICE

HOLDS: Final = Table(
    "holds",
    OFFICE,
    Column("hold", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("basis", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("owner", String, nullable=False),
    # NULL: of whomever the device was linked to; or the person is forgotten.
    Column("subject", String),
    # NULL: every vehicle of the subject.
    Column("device", String),
    # JSON list; NULL: every purpose.
    Column("purposes", LargeBinary),
    Column("from_ms", BigInteger),
    Column("to_ms", BigInteger),
    Column("placed_ms", BigInteger, nullable=False),
    Column("review_ms", BigInteger, nullable=False),
    # It is released by itself then; NULL: only by somebody.
    Column("end_ms", BigInteger),
    Column("released_ms", BigInteger),
    # Before that no pseudonym that came since is looked for.
    Column("look_ms", BigInteger, nullable=False),
    # JSON list of outputs that could not be reached when it was last looked at.
    Column("unreached", LargeBinary),
    # Rows were deleted since the files were last scrubbed.
    Column("unscrubbed", Boolean, nullable=False),
    Index("holds_by_subject", "subject"),
    Index("holds_by_state", "state"),
)

HOLD_COMMANDS: Final = Table(
    "hold_commands",
    OFFICE,
    Column("command", String, primary_key=True),
    Column("hold", String, ForeignKey("holds.hold"), nullable=False),
    Column("output", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("hold_commands_by_hold", "hold"),
)
"""Commands on their topics: what a store knows of a hold, and no more."""

HOLD_ANSWERS: Final = Table(
    "hold_answers",
    OFFICE,
    Column("command", String, ForeignKey("hold_commands.command"), primary_key=True),
    Column("store", String, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("released", Boolean, nullable=False),
    # What had expired by then is not held; NULL: the store has not copied everything yet.
    Column("since_ms", BigInteger),
    Column("at_ms", BigInteger, nullable=False),
)

HOLD_ENTRIES: Final = Table(
    "hold_entries",
    OFFICE,
    Column("number", Integer, primary_key=True),
    Column("hold", String, ForeignKey("holds.hold"), nullable=False),
    Column("what", String, nullable=False),
    Column("who", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("hold_entries_by_hold", "hold"),
)
"""Who placed, reviewed, opened and released it, and when; never changed."""

HELD_ERASURES: Final = Table(
    "held_erasures",
    OFFICE,
    Column("erasure", String, ForeignKey("erasures.erasure"), primary_key=True),
    Column("hold", String, ForeignKey("holds.hold"), primary_key=True),
)
"""Erasures of which a sealed copy remains, until the hold is released."""
