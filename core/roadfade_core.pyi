# The core as Python sees it. Only the adapters that import contracts name may import it.
from collections.abc import Sequence
from typing import Final, Literal, Self

# What of this module Python was written for; another number is another core, and not used.
INTERFACE: Final[int]

# For the test which shows what a mistake of ours would be: an exception, and no dead process.
def panic_on_purpose() -> None: ...

# A record that alone is larger than a batch may be; it was not taken, and never will be.
class OversizedError(Exception): ...

# As much is held as may be; nothing was taken: take the batches, then append again.
class FullError(Exception): ...

# Records gathered into Kafka record batches v2, one open batch for each partition of each topic.
# `batch_bytes_max` counts a batch with its header, `held_bytes_max` all records that are held:
# both before compression.
class RecordBatches:
    def __new__(
        cls, *, compression: Literal["zstd"] | None, batch_bytes_max: int, held_bytes_max: int
    ) -> Self: ...

    # `topic` is the caller's own number of a topic. OversizedError, or FullError, as above.
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

    # Topic, partition, number of records, and the batch that `seal` makes ready to be sent; by
    # topic and partition, those of one partition in the order of their records.
    def take(self) -> list[tuple[int, int, int, bytes]]: ...

# A copy of a batch with its time, its producer and its checksum; ValueError if it is no batch.
def seal(
    batch: bytes, *, timestamp_ms: int, producer_id: int, producer_epoch: int, base_sequence: int
) -> bytes: ...
