"""The ledger: for every output, in = delivered + everything withheld, in readings.

A worker writes one ``FlowRecord`` per input partition and batch to ``audit.flow`` before
it commits. After a crash the same input is processed again from the last commit, so a
record voids all earlier ones of its partition from its first offset on. A worker that was
left behind by its group (frozen, cut off) may still write: its commit is refused, its
successor does not read again, and so nothing of a later generation is voided by it.
Offsets are those of one topic: if it is deleted and made anew, they begin again, and what was
read of the topic before, under an id that is known, stands beside what is read of the new one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import Struct

OFFSET_MAX: Final = 2**63 - 2
"""Kafka's offsets are signed 64-bit integers, and the next one must be one too."""
PARTITION_MAX: Final = 2**31 - 1
GENERATION_MAX: Final = 2**31 - 1
"""Kafka counts a group's generations in 32 bits."""
TOPIC_ID_LENGTH_MAX: Final = 64
"""Kafka's are 22 characters long."""
COUNT_MAX: Final = 2**40
"""More readings than a batch of raw records can hold, and far from where sums overflow."""


class OutputFlow(Struct, rename={"entered": "in"}, forbid_unknown_fields=True):
    """One output's row: readings that entered, were delivered, were withheld by reason."""

    entered: int = 0
    delivered: int = 0
    withheld: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, other: "OutputFlow") -> None:
        """Add another row of the same output to this one."""
        self.entered += other.entered
        self.delivered += other.delivered
        for reason, count in other.withheld.items():
            self.withheld[reason] = self.withheld.get(reason, 0) + count

    @property
    def closes(self) -> bool:
        """The invariant: in = delivered + sum(withheld)."""
        return self.entered == self.delivered + sum(self.withheld.values())


class FlowRecord(Struct, forbid_unknown_fields=True):
    """What became of input offsets ``first``..``last`` of one raw partition."""

    topic: str
    partition: int
    first: int
    last: int
    ledger: dict[str, OutputFlow]
    rejected: dict[str, int]
    generation: int = -1
    """Of the worker's consumer group, as it fetched these; -1: not known, older than any."""
    topic_id: str = ""
    """Of the topic that these offsets are in; empty: not known, written by a version of before."""

    def late(self, standing: "FlowRecord") -> bool:
        """Whether ``standing``, of a later generation, tells of some of these offsets already."""
        return (
            standing.generation > self.generation
            and standing.first <= self.last
            and standing.last >= self.first
        )

    def voids(self, standing: "FlowRecord") -> bool:
        """Whether this record, being later on the topic and not late, takes its place."""
        return standing.first >= self.first and standing.generation <= self.generation

    @property
    def key(self) -> bytes:
        """The Kafka key: partition and first offset."""
        return f"{self.topic}-{self.partition}:{self.first}".encode()


_decoder = msgspec.json.Decoder(FlowRecord)


def encode_flow(record: FlowRecord) -> bytes:
    """The JSON value of a flow record."""
    return msgspec.json.encode(record)


def decode_flow(payload: bytes) -> FlowRecord:
    """Decode a flow record of ours; msgspec.DecodeError if it is not one."""
    return _decoder.decode(payload)


def take_flow(payload: bytes | None) -> FlowRecord | None:
    """The record as it arrives on the topic; None if it is none, or has a number none can have.

    JSON's integers have no limit, those of Kafka and of the ledger's file do.
    """
    try:
        record = decode_flow(payload or b"")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    counts = [*record.rejected.values()]
    for row in record.ledger.values():
        counts += [row.entered, row.delivered, *row.withheld.values()]
    holds = (
        0 <= record.partition <= PARTITION_MAX
        and 0 <= record.first <= record.last <= OFFSET_MAX
        and -1 <= record.generation <= GENERATION_MAX
        and all(0 <= count <= COUNT_MAX for count in counts)
        and len(record.topic_id) <= TOPIC_ID_LENGTH_MAX
        and _is_text(record)
    )
    return record if holds else None


def _is_text(record: FlowRecord) -> bool:
    """Whether every name can be written as UTF-8: JSON can spell half a surrogate pair."""
    try:
        encode_flow(record)
    except UnicodeEncodeError:
        return False
    return True


@dataclass(slots=True)
class Ledger:
    """The sum of flow records: rows per output, and rejections by reason."""

    outputs: dict[str, OutputFlow] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)

    def add(self, ledger: Mapping[str, OutputFlow], rejected: Mapping[str, int]) -> None:
        """Add one record's figures."""
        for output, flow in ledger.items():
            self.outputs.setdefault(output, OutputFlow()).add(flow)
        for reason, count in rejected.items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count

    @property
    def closes(self) -> bool:
        """Whether every output's row closes."""
        return all(flow.closes for flow in self.outputs.values())


def fold(records: Iterable[FlowRecord]) -> Ledger:
    """The ledger of records in the order in which they are on ``audit.flow``."""
    standing: dict[tuple[str, int, str], dict[int, FlowRecord]] = {}
    for record in records:
        rows = standing.setdefault((record.topic, record.partition, record.topic_id), {})
        if any(record.late(row) for row in rows.values()):
            continue
        for first in [first for first, row in rows.items() if record.voids(row)]:
            del rows[first]
        rows[record.first] = record
    ledger = Ledger()
    for rows in standing.values():
        for record in rows.values():
            ledger.add(record.ledger, record.rejected)
    return ledger
