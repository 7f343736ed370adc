# The core as Python sees it. Only the adapters that import contracts name may import it.
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal, Self, final

from processors.state.port import Answer, Mark, RoomPort
from processors.state.port import TimeState as TimeStatePort
from sinks.port.laid_out import LaidOut, TaughtLane
from telemetry.arrived import Arrived

# What of this module Python was written for; another number is another core, and not used.
INTERFACE: Final[int]

# For the test which shows what a mistake of ours would be: an exception, and no dead process.
def panic_on_purpose() -> None: ...

# A record that alone is larger than a batch may be; it was not taken, and never will be.
class OversizedError(Exception): ...

# Records gathered into Kafka record batches v2, one open batch for each partition of each topic.
# `batch_bytes_max` counts a batch with its header, before compression. How much may be held the
# caller decides, by `held_bytes`.
@final
class RecordBatches:
    def __new__(cls, *, compression: Literal["zstd"] | None, batch_bytes_max: int) -> Self: ...

    # `topic` is the caller's own number of a topic. OversizedError as above.
    def append(
        self,
        topic: int,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> None: ...
    @property
    def held_bytes(self) -> int: ...

    # What is held now stays when the rest is rolled back; a later mark, or `take`, replaces this.
    def mark(self) -> None: ...
    def roll_back(self) -> None: ...

    # Forgets every record.
    def clear(self) -> None: ...

    # Topic, partition, number of records, and the batch that `seal` makes ready to be sent; by
    # topic and partition, those of one partition in the order of their records.
    def take(self) -> list[tuple[int, int, int, bytes]]: ...

# A copy of a batch with its time, its producer and its checksum; ValueError if it is no batch.
def seal(
    batch: bytes, *, timestamp_ms: int, producer_id: int, producer_epoch: int, base_sequence: int
) -> bytes: ...

# `processors.state.bins.Room`, and the state that goes with it: see `processors.state.port`.
@final
class Room:
    def __new__(cls, bins_max: int) -> Self: ...
    @property
    def held(self) -> int: ...
    def take_refused(self) -> int: ...

@final
class TimeState:
    def __new__(cls, lives_ms: Sequence[int], window_ms: int, room: RoomPort) -> Self: ...
    def first_in_bin(
        self, device: str, rule: int, bins: Collection[int], append_ms: int
    ) -> Sequence[Answer]: ...
    def counted(self, device: str, rule: int, readings: int, append_ms: int) -> int | None: ...
    def arrive(self, append_ms: int) -> None: ...
    def mark(self) -> Mark: ...
    def roll_back(self, mark: Mark) -> None: ...
    def adopt(self) -> None: ...
    def discard(self) -> None: ...
    def lose(self, until_ms: int) -> None: ...
    def reach(self, append_ms: int) -> None: ...
    def close(self) -> None: ...
    def living(self) -> Mapping[tuple[str, int, int], int]: ...

# What `processors.core_people` makes `People` of. Names and keys are bytes, hashes and sums 16
# of them, big-endian; roles and bases are numbers by their place among the words that were given.
# MemoryError: no number is left for one more row.
@final
class People:
    def __new__(cls, roles: Sequence[str], bases: Sequence[str], changes_kept_max: int) -> Self: ...
    def put_registration(
        self, key: bytes, device: bytes, registered_ms: int, service: bytes | None
    ) -> None: ...
    def put_link(
        self,
        key: bytes,
        link: bytes,
        device: bytes,
        subject: bytes,
        secret: bytes,
        from_ms: int,
        to_ms: int | None,
        role: int,
    ) -> None: ...
    def put_consent(
        self,
        key: bytes,
        consent: bytes,
        subject: bytes,
        purpose: bytes,
        basis: int,
        recipient: bytes | None,
        notice: bytes,
        from_ms: int,
        to_ms: int | None,
    ) -> None: ...
    def remove(self, key: bytes) -> None: ...
    def withhold(self, key: bytes) -> bool: ...

    # Whether a link of this device is withheld.
    def is_withheld(self, device: bytes) -> bool: ...

    # Since when, and of which service.
    def registrations(self, device: bytes) -> list[tuple[int, bytes | None]]: ...
    def links(
        self, device: bytes
    ) -> list[tuple[bytes, bytes, bytes, bytes, int, int | None, int]]: ...
    def consents(
        self, subject: bytes
    ) -> list[tuple[bytes, bytes, bytes, int, bytes | None, bytes, int, int | None]]: ...
    def row_hash(self, key: bytes) -> bytes | None: ...

    # False: there is no such row.
    def keep_hash(self, key: bytes, hashed: bytes) -> bool: ...
    @property
    def position(self) -> int: ...

    # Whether of a device (else of a subject), and its name; None: not all are kept.
    def changes_since(self, position: int) -> list[tuple[bool, bytes]] | None: ...

    # As `telemetry.wire.topic_contents.UsualRows`. `mark` stands before each key here; `kinds`:
    # whether registrations, links and consents belong to the topic.
    def take_usual(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        start: int,
        mark: int,
        kinds: tuple[bool, bool, bool],
        partition: int,
        partitions: int,
    ) -> tuple[int, int, bytes]: ...

# Usual envelopes, under tables of `processors.core_tables`; ValueError for other bytes. `make`
# makes an outcome of topic, partition, key, value and headers; `h3_cell` one of latitude, longitude
# and resolution.
@final
class UsualPath:
    def __new__(
        cls, tables: bytes, make: Callable[..., Any], h3_cell: Callable[[float, float, int], str]
    ) -> Self: ...

    # Records from `start` on; outcomes go behind those of `out`. Where it stopped, and what it asks
    # for: "exact", or "device", "minute", "late" or "column_plan" with what it is about.
    def run(
        self,
        values: list[bytes | None],
        received_ms: list[int],
        start: int,
        now_ms: int,
        state: TimeStatePort,
        out: list[Any],
    ) -> tuple[int, tuple[Any, ...] | None]: ...

    # The same, but outcomes go into batches: topics are numbered in the order in which routes
    # name them first.
    def gather(
        self,
        values: list[bytes | None],
        received_ms: list[int],
        start: int,
        now_ms: int,
        state: TimeStatePort,
        batches: RecordBatches,
    ) -> tuple[int, tuple[Any, ...] | None]: ...

    # False: these bytes cannot be carried out here.
    def teach_device(self, device: str, taught: bytes) -> bool: ...
    def teach_minute(self, minute: int, taught: bytes) -> bool: ...
    def teach_late(self, decision: int, late: list[int], becomes: int) -> None: ...
    def teach_column_plan(self, decision: int, present: list[int], taught: bytes) -> bool: ...

    # Whether it was used since `settle`.
    def forget_device(self, device: str) -> bool: ...
    def forget_devices(self) -> bool: ...
    def settle(self) -> None: ...

    # As `processors.reused_ids`.
    def reused(self, device: str, envelope_id: str, content: bytes) -> bool: ...

    # Since the last call: rows by decision, readings not collected, envelopes, reused ids.
    def take_counted(self) -> tuple[dict[int, list[int]], int, int, int]: ...

# Purpose records of one output that came from its topic: read, held against what was taught, and
# laid out as columns. What is unusual is not taken. Types are those of `sinks.port.laid_out`.
@final
class Gathering:
    # So many names, shapes and texts are remembered from one write to the next.
    def __new__(cls, output: str, remembered_max: int) -> Self: ...

    # Whatever was gathered before is gone; whether all that was taught is forgotten as well.
    def begin(self) -> bool: ...

    # Behind what is gathered; what follows is about these records.
    def read(self, records: list[Arrived]) -> None: ...

    # Shapes that nobody taught: number, version; signal, unit, and whether it has texts, of each.
    def unknown(self) -> list[tuple[int, str, list[tuple[str, str, bool]]]]: ...

    # ValueError if these are no lanes of this shape.
    def teach(self, shape: int, lanes: list[TaughtLane]) -> None: ...

    # Texts, and who is to be asked about them.
    def unjudged(self) -> list[tuple[int, str]]: ...
    def answer(self, asker: int, text: str, yes: bool) -> None: ...

    # Leave out what no lane has room for, and note the lanes of the rest.
    def judge(self, now_ms: int) -> None: ...

    # Of each record: digest of its id (None: it was not taken), its end, its readings.
    def stamps(self) -> tuple[list[bytes | None], list[int], list[int]]: ...

    # Rows and readings of the records at these places, which are kept then.
    def keep(self, kept: list[int]) -> tuple[int, int]: ...

    # What was kept, by end; nothing is gathered any more. OverflowError for more rows than int32.
    def take(self) -> list[LaidOut]: ...
