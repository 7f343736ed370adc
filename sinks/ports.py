"""The sink port: what the wiring asks of a place that keeps records, and forgets them.

In: consumed records, as anything with the shape of ``Arrived``. Out: counts and receipts.
No count, receipt or error may hold an identifier or a value. Everything here blocks (the
wiring runs it in a thread) and is called by one thread at a time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from telemetry.identity import Pseudonym


class Arrived(Protocol):
    """A record of a purpose topic as it was consumed; ``topic`` without any prefix."""

    @property
    def topic(self) -> str: ...  # noqa: D102  # the names are Kafka's
    @property
    def partition(self) -> int: ...  # noqa: D102  # the names are Kafka's
    @property
    def offset(self) -> int: ...  # noqa: D102  # the names are Kafka's
    @property
    def timestamp_ms(self) -> int: ...  # noqa: D102  # the names are Kafka's
    @property
    def key(self) -> bytes | None: ...  # noqa: D102  # the names are Kafka's
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  # the names are Kafka's
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102  # the names are Kafka's


class Unreadable(StrEnum):
    """Why a record is skipped: it is not what the contract of a purpose topic says."""

    NO_PAYLOAD = "no_payload"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    MISSING_HEADER = "missing_header"
    BAD_HEADER = "bad_header"
    WRONG_PURPOSE = "wrong_purpose"
    """The header names another purpose than the topic's: nothing of it may be kept here."""
    KEY_MISMATCH = "key_mismatch"
    """The Kafka key is not the record's pseudonym."""
    COLUMN_MISMATCH = "column_mismatch"
    WRONG_TYPE = "wrong_type"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch's records; ``*_readings`` sum the records' ``readings`` header."""

    records: int = 0
    rows: int = 0
    readings: int = 0
    replayed: int = 0
    """Records below the position: durable before, so nothing was done."""
    duplicates: int = 0
    """Records whose ``ce_id`` was kept before, under another offset."""
    expired_on_arrival: int = 0
    expired_readings: int = 0
    rejected: Mapping[Unreadable, int] = field(default_factory=dict)

    def plus(self, other: "Written") -> "Written":
        """The sum of two batches."""
        rejected = dict(self.rejected)
        for reason, count in other.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
        return Written(
            self.records + other.records,
            self.rows + other.rows,
            self.readings + other.readings,
            self.replayed + other.replayed,
            self.duplicates + other.duplicates,
            self.expired_on_arrival + other.expired_on_arrival,
            self.expired_readings + other.expired_readings,
            rejected,
        )


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed, whole and as rows per output."""

    files: int = 0
    rows: int = 0
    by_output: Mapping[str, int] = field(default_factory=dict)
    uncounted: int = 0
    """Files removed whose row count could not be read: deleting comes before counting."""


class Kept(NamedTuple):
    """Rows of one column that were kept under one version until one instant."""

    output: str
    policy_version: str
    signal: str
    expires_ms: int
    last_ms: int
    """The latest time of theirs."""


class Ends(Protocol):
    """When rows end under the version of the policy that is in force."""

    @property
    def policy_version(self) -> str:
        """The version in force, as records carry it."""
        ...

    def end_of(self, kept: Kept) -> tuple[int, str] | None:
        """The rows' end now and the version that says so; None where nobody can tell.

        The end is as it was, sooner, later where people decided so, or 0 for at once.
        """
        ...


@dataclass(frozen=True, slots=True)
class Restated:
    """What a restatement did: rows by output that end at another time, and that are gone."""

    files: int = 0
    moved: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    unjudged: int = 0
    """Rows looked at whose own version is not known: they keep the end they have."""
    left: int = 0
    """Parts that wait for the next turn."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a subject's rows are: how many rows, in how many files, by output."""

    rows: int
    files: int
    by_output: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One copy's answer to an erasure. Names no subject; still personal data (design §7)."""

    copy: str
    located_before: int
    located_after: int
    digest: str
    """SHA-256 over what was rewritten: each part's place, rows before, rows after."""
    at_ms: int


@dataclass(frozen=True, slots=True)
class Hits:
    """In how many files a marker was found, and how many were searched."""

    searched: int
    in_bytes: int
    in_names: int

    @property
    def found(self) -> bool:
        """Whether the marker is anywhere."""
        return bool(self.in_bytes or self.in_names)


class Sink(Protocol):
    """A place that keeps the records of purpose topics until they expire."""

    def position(self, topic: str, partition: int) -> int | None:
        """The offset of the next record to write: last durable + 1; None before the first."""
        ...

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """Keep the records' readings; durable on return, so the caller may commit then.

        Called twice with the same records it does nothing the second time. A record that
        cannot be read is counted and skipped. Any exception means unknown state: reopen.
        """
        ...

    def expire(self, now_ms: int) -> Swept:
        """Remove every row whose ``expires_at`` has come; idempotent, safe beside writes."""
        ...

    def restate(self, ends: Ends, now_ms: int) -> Restated:
        """Give rows of older versions the end they have now; idempotent, safe beside writes."""
        ...

    def erase(self, pseudonyms: Collection[Pseudonym], now_ms: int) -> Receipt:
        """Remove all rows of these pseudonyms; idempotent. Suppress their records first."""
        ...

    def locate(self, pseudonyms: Collection[Pseudonym]) -> Located:
        """Count the rows of these pseudonyms."""
        ...

    def verify(self, marker: bytes) -> Hits:
        """Search everything that is stored, names included, for raw bytes."""
        ...

    def oldest_ms(self) -> Mapping[str, int]:
        """Time of the oldest kept reading by output; outputs without rows are absent."""
        ...
