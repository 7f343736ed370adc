"""What a sink answers: counts, reasons and receipts. None holds an identifier or a value."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Unreadable(StrEnum):
    """Why a record is skipped: it breaks the contract of a purpose topic."""

    NO_PAYLOAD = "no_payload"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    MISSING_HEADER = "missing_header"
    BAD_HEADER = "bad_header"
    WRONG_PURPOSE = "wrong_purpose"
    """The header names another purpose than the topic's: the record may not be kept here."""
    KEY_MISMATCH = "key_mismatch"
    """The Kafka key is not the record's pseudonym."""
    COLUMN_MISMATCH = "column_mismatch"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_POLICY = "unknown_policy"
    """Its version of the policy is not on record, so nothing says what it may hold."""
    NOT_ALLOWED = "not_allowed"
    """Its version lets the output hold no such signal, or not together with the others."""
    WRONG_UNIT = "wrong_unit"
    TOO_PRECISE = "too_precise"
    """A time or a value is finer than its version lets the output hold."""
    OUT_OF_RANGE = "out_of_range"
    """A value is none that the catalogue, and what its version does to it, can come to."""
    KEPT_TOO_LONG = "kept_too_long"
    """It would end later than anything that its version lets through."""


class OfOutput(NamedTuple):
    """What became of one output's records in a batch."""

    rows: int = 0
    duplicates: int = 0
    refused_rows: int = 0

    def plus(self, other: "OfOutput") -> "OfOutput":
        """The sum of two batches."""
        return OfOutput(*(one + another for one, another in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a batch's records; ``*_readings`` sum the records' ``readings`` header."""

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
    by_output: Mapping[str, OfOutput] = field(default_factory=dict, compare=False)
    """They sum to ``rows``, ``duplicates`` and ``refused_rows``."""
    refused: int = 0
    """Records all of whose readings a living command of erasure means: none is kept."""
    refused_rows: int = 0
    """Readings that one means, of those records and of others, whose other readings are kept."""

    def plus(self, other: "Written") -> "Written":
        """The sum of two batches."""
        rejected = dict(self.rejected)
        for reason, count in other.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
        by_output = dict(self.by_output)
        for output, found in other.by_output.items():
            by_output[output] = by_output.get(output, OfOutput()).plus(found)
        return Written(
            self.records + other.records,
            self.rows + other.rows,
            self.readings + other.readings,
            self.replayed + other.replayed,
            self.duplicates + other.duplicates,
            self.expired_on_arrival + other.expired_on_arrival,
            self.expired_readings + other.expired_readings,
            rejected,
            by_output,
            self.refused + other.refused,
            self.refused_rows + other.refused_rows,
        )


class Oddity(StrEnum):
    """What is wrong with something in a store."""

    FOREIGN = "foreign"
    """It is not the store's: left as it is, and never read."""
    UNREADABLE = "unreadable"
    """It is the store's, and its rows cannot be read; it goes when they end."""
    NOT_REMOVED = "not_removed"
    """Its time has come, and removing it failed: every sweep tries again."""


class Strange(NamedTuple):
    """Something in a store that an operator has to look at."""

    oddity: Oddity
    place: str
    """Its path in the store, printable; for operators, never for analysts."""
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a store holds, and what is wrong with it."""

    outputs: tuple[str, ...]
    parts: int
    overdue: int
    """Parts whose time has come: the next sweep removes them."""
    half_written: int
    """Parts that a killed writer left, and no checkpoint names: the next start removes them."""
    unproven: tuple[str, ...]
    """Parts of which nothing proves that they were finished or were not: a checkpoint is lost."""
    strange: tuple[Strange, ...]
    refused: str | None
    """Why no sink would open it."""


class Place(NamedTuple):
    """How far a topic's partition is kept, and of which topic of that name."""

    next_offset: int
    """The offset of the next record to keep, in the topic with this id."""
    topic_id: str | None
    """None: it was not noted, by a version of the program that knew of no ids."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """How far a store has kept each topic, and how much of each output is in it now."""

    places: Mapping[tuple[str, int], Place]
    """How far it has kept, by topic and partition."""
    readings: Mapping[str, int]
    """By output: readings that its rows stand for; a cell of the mesh stands for two."""
    unreadable: Mapping[str, int]
    """By output: parts that are not in the count, since they cannot be read."""

    @property
    def positions(self) -> Mapping[tuple[str, int], int]:
        """The next offset to keep, by topic and partition."""
        return {at: place.next_offset for at, place in self.places.items()}


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed, whole and as rows per output."""

    files: int = 0
    rows: int = 0
    by_output: Mapping[str, int] = field(default_factory=dict)
    uncounted: int = 0
    """Files removed whose row count could not be read: deleting comes before counting."""
    left: tuple[Strange, ...] = ()
    """What was due and could not be removed; everything else that was due is gone."""


class Overdue(NamedTuple):
    """Files of one output that hold rows past their expiry."""

    output: str
    expires_ms: int
    files: int


@dataclass(frozen=True, slots=True)
class Restated:
    """A restatement's outcome: rows by output that got a new expiry, and that were deleted."""

    files: int = 0
    moved: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    unjudged: int = 0
    """Rows judged whose own version is unknown: their expiry stays."""
    left: int = 0
    """Parts that wait for the next turn."""
    unreadable: int = 0
    """Parts that could not be restated, since they cannot be read; their expiry stays."""

    def plus(self, later: "Restated") -> "Restated":
        """The sum of two turns; the parts that wait are those of the later one."""
        return Restated(
            self.files + later.files,
            Counter(self.moved) + Counter(later.moved),
            Counter(self.removed) + Counter(later.removed),
            self.unjudged + later.unjudged,
            later.left,
            self.unreadable + later.unreadable,
        )


@dataclass(frozen=True, slots=True)
class Located:
    """Where rows of one output that are meant lie: how many, in how many files."""

    rows: int
    files: int
    unreadable: int = 0
    """Files that may hold such rows and cannot be read: the counts are not whole."""
    file_bytes: int = 0
    """Length of those files, which removing the rows would write anew; 0 of a store without any."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One copy's answer to an erasure. Names no subject; still personal data (design §7)."""

    copy: str
    located_before: int
    located_after: int
    digest: str
    """SHA-256 over what was rewritten: each part's place, rows before, rows after."""
    at_ms: int
    unreadable: int = 0
    """Files that may hold such rows and cannot be read: not erased before they end."""
    full: bool = False
    """Whether there was no room to rewrite something: it is worth trying again later."""


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
