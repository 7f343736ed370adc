"""A ready batch in the place of one that aiokafka builds: its private calls are known here alone.

In: a ``ReadyBatch``. Out: what ``AIOKafkaProducer.send_batch`` takes for a ``BatchBuilder``. The
producer's queue says who sends, right before the batch leaves for the first time; a batch that has
to be sent once more has the same bytes, by which the broker knows it again.
"""

from typing import Any, Final

from bus.client.sealing import Sender, records_of, seal
from bus.failures import OversizedError
from bus.ports import BATCH_BYTES_MAX
from bus.records import ReadyBatch

HOLDS_FOR: Final = frozenset({"0.14.0"})
"""Versions of aiokafka whose calls were read, and tried on a broker. A test asks which is here."""


def in_aiokafkas_place(batch: ReadyBatch, timestamp_ms: int) -> Any:
    """What aiokafka sends; OversizedError, or ValueError for what is not the batch it says."""
    if len(batch.data) > BATCH_BYTES_MAX:
        msg = f"a batch for topic {batch.topic} is larger than {BATCH_BYTES_MAX} bytes"
        raise OversizedError(msg)
    if batch.records < 1 or records_of(batch.data) != batch.records:
        msg = f"a batch for topic {batch.topic} has not as many records as it says"
        raise ValueError(msg)
    return _BuilderOfOne(batch, timestamp_ms)


class _BuilderOfOne:
    """What ``MessageBatch`` and ``MessageAccumulator`` call of a ``BatchBuilder``, and no more."""

    def __init__(self, batch: ReadyBatch, timestamp_ms: int) -> None:
        self._records = batch.records
        self._data = batch.data
        """As it came, and once it is sealed, only that: large batches are not held twice."""
        self._sender = Sender(timestamp_ms, -1, -1, -1)
        self._sealed = False

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base: int) -> None:
        self._sender = Sender(self._sender.timestamp_ms, producer_id, producer_epoch, base)
        self._sealed = False

    def _build(self) -> bytes:
        if not self._sealed:
            self._data, self._sealed = seal(self._data, self._sender), True
        return self._data

    def size(self) -> int:
        """Bytes."""
        return len(self._data)

    def record_count(self) -> int:
        """By so much the producer's sequence number grows."""
        return self._records

    def closed(self) -> bool:
        """Nothing is waited for: it is full."""
        return True

    def close(self) -> None:
        """It is closed."""

    def append(self, **_: object) -> None:
        """It takes none: the answer says that it is full."""
