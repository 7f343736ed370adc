"""The office's tables of erasures: what was asked, commands, answers, copies, receipts.

Times are integer milliseconds UTC. A person stands in ``erasures`` alone, and until they are
forgotten.
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

ERASURES: Final = Table(
    "erasures",
    OFFICE,
    # Random, and public: receipts carry it.
    Column("erasure", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("state", String, nullable=False),
    # NULL: the person is forgotten.
    Column("subject", String),
    # JSON lists of row ids; NULL: whatever the subject is linked to, or whatever a row rests on.
    Column("links", LargeBinary),
    Column("consents", LargeBinary),
    # JSON; NULL: every purpose, every lane.
    Column("purposes", LargeBinary),
    Column("lanes", LargeBinary),
    Column("from_ms", BigInteger),
    Column("to_ms", BigInteger),
    # Before that nothing is commanded for a withdrawal; NULL: before from_ms.
    Column("begins_ms", BigInteger),
    # JSON pairs of milliseconds: what a correction took from links; NULL: it took nothing.
    Column("taken", LargeBinary),
    # Shows to whoever has it, with the subject's id, that receipts are theirs; NULL: forgotten.
    Column("nonce", LargeBinary),
    Column("asked_ms", BigInteger, nullable=False),
    # Every store should have answered by then.
    Column("due_ms", BigInteger, nullable=False),
    # The outbox's sequence of what was last announced, and when it was seen to be published.
    Column("sequence", BigInteger, nullable=False),
    Column("published_ms", BigInteger),
    # Commands live until then; NULL: there are none yet.
    Column("until_ms", BigInteger),
    # Before that nothing can be done for it.
    Column("look_ms", BigInteger, nullable=False),
    # Rows were deleted since the files were last scrubbed.
    Column("unscrubbed", Boolean, nullable=False),
    Column("d1_ms", BigInteger),
    Column("d2_ms", BigInteger),
    Column("d3_ms", BigInteger),
    Index("erasures_by_subject", "subject"),
    Index("erasures_by_state", "state", "look_ms"),
)

PARTS: Final = ("from_ms", "to_ms", "links", "purposes", "lanes", "consents")
"""What limits a request to a part of a person; one of the kind ``erase`` with none is the whole."""

ERASE_COMMANDS: Final = Table(
    "erase_commands",
    OFFICE,
    Column("command", String, primary_key=True),
    Column("erasure", String, ForeignKey("erasures.erasure"), nullable=False),
    Column("output", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("erase_commands_by_erasure", "erasure"),
)
"""Commands that live; one whose life has ended is a tombstone on its topic, and no row here."""

ERASE_ANSWERS: Final = Table(
    "erase_answers",
    OFFICE,
    Column("command", String, ForeignKey("erase_commands.command"), primary_key=True),
    Column("store", String, primary_key=True),
    Column("located_before", BigInteger, nullable=False),
    Column("located_after", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    # Whether the store's first came when the others' had become receipts; NULL: it did not.
    Column("late", Boolean),
)

ERASE_STORES: Final = Table(
    "erase_stores",
    OFFICE,
    Column("store", String, primary_key=True),
    Column("output", String, primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
    # From then on nobody waits for it: it is no more.
    Column("retired_ms", BigInteger),
)
"""Who keeps rows of which output: a store is known from its first hello or answer on."""

ERASE_STEPS: Final = Table(
    "erase_steps",
    OFFICE,
    Column("erasure", String, ForeignKey("erasures.erasure"), primary_key=True),
    Column("copy", String, primary_key=True),
    Column("due_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)
"""Copies that nobody can rewrite, and that end by their own bound."""

REQUEST_RECIPIENTS: Final = Table(
    "request_recipients",
    OFFICE,
    # The number of a request of erasure, or the row id of an objection.
    Column("request", String, primary_key=True),
    Column("purpose", String, primary_key=True),
    Column("recipient", String, primary_key=True),
    Column("noted_ms", BigInteger, nullable=False),
    # NULL: nobody told them yet.
    Column("told_ms", BigInteger),
    Column("told_by", String),
)
"""Who outside may have what a request is about, and has to be told. No person stands here."""

RECEIPTS: Final = Table(
    "receipts",
    OFFICE,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("hash", String, nullable=False),
    Column("signature", String, nullable=False),
)
"""The chain of what was done; never changed, never shortened. No identifier is in it."""
