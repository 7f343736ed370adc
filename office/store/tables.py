"""The office's tables: devices, links, consents, restrictions, policies, the outbox of what waits.

Erasures have theirs in ``erasure_tables``. Times are integer milliseconds UTC.
An end of NULL is still open.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from telemetry.wire.control import UNCONFIRMED

OFFICE: Final = MetaData()

DEVICES: Final = Table(
    "devices",
    OFFICE,
    Column("row", String, primary_key=True),
    Column("device", String, nullable=False, unique=True),
    Column("registered_ms", BigInteger, nullable=False),
    # NULL: the registration names none, as all did before there were services.
    Column("service", String),
)

LINKS: Final = Table(
    "links",
    OFFICE,
    Column("link", String, primary_key=True),
    Column("device", String, ForeignKey("devices.device"), nullable=False),
    Column("subject", String, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),
    # The default is also what a database older than roles gets: who drives is not confirmed.
    Column("role", String, nullable=False, server_default=UNCONFIRMED),
    # When the office first saw that it had ended; NULL: not yet.
    Column("seen_ended_ms", BigInteger),
    Index("links_by_device", "device"),
    Index("links_by_subject", "subject"),
)

CONSENTS: Final = Table(
    "consents",
    OFFICE,
    Column("consent", String, primary_key=True),
    Column("subject", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("basis", String, nullable=False),
    Column("recipient", String),
    Column("notice", String, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),
    # When the person's last link ended; NULL: there is one that holds, or it is not known.
    Column("ended_ms", BigInteger),
    # When the office first saw that it had ended, either way; NULL: not yet.
    Column("seen_ended_ms", BigInteger),
    # For the person alone: shows that evidence which stays of it is theirs; NULL: none is drawn.
    Column("nonce", LargeBinary),
    Index("consents_by_subject", "subject"),
)

RESTRICTIONS: Final = Table(
    "restrictions",
    OFFICE,
    Column("restriction", String, primary_key=True),
    Column("subject", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("purpose", String),
    Column("recipient", String),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),
    Index("restrictions_by_subject", "subject"),
)
"""What is kept back of whom. No purpose or recipient: of all."""

POLICIES: Final = Table(
    "policies",
    OFFICE,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("policy", String, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
"""Every published version, as its record on ``control.policies``."""

OUTBOX: Final = Table(
    "outbox",
    OFFICE,
    # SQLite counts only plain INTEGER keys; AUTOINCREMENT, because a sequence is never reused.
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("topic", String, nullable=False),
    Column("key", String, nullable=False),
    Column("value", LargeBinary),
    Index("outbox_by_key", "key"),
    sqlite_autoincrement=True,
)

UNSCRUBBED: Final = Table(
    "unscrubbed",
    OFFICE,
    Column("one", Integer, primary_key=True, autoincrement=False),
)
"""One row while deleted bytes may be left in the files: links that ended were deleted since."""

PUBLISHED: Final = Table(
    "published",
    OFFICE,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("high_water", BigInteger, nullable=False),
)
"""One row: every outbox row up to this sequence is published."""
