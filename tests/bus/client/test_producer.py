"""How records become batches; what the broker makes of them is in tests/integration."""

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.failures import OversizedError
from bus.ports import BATCH_BYTES_MAX
from bus.records import Outgoing


def filled(outgoing: list[Outgoing]) -> list[tuple[int, str, int]]:
    producer = AckedProducer(Connection("nowhere:1", prefix="p."), clock=lambda: 1_000)
    batches = producer._fill(lambda: BatchBuilder(BATCH_BYTES_MAX, 0), outgoing)
    return [(batch.record_count(), topic, partition) for batch, topic, partition in batches]


def record(topic: str, partition: int | None, value: bytes = b"v") -> Outgoing:
    return Outgoing(topic, partition, b"k", value, [("h", b"1")])


def test_records_of_one_topic_and_partition_share_a_batch() -> None:
    outgoing = [record("a", 0), record("b", 0), record("a", 1), record("a", 0)]
    assert filled(outgoing) == [(2, "p.a", 0), (1, "p.b", 0), (1, "p.a", 1)]


def test_a_full_batch_is_followed_by_another() -> None:
    outgoing = [record("a", 0, bytes(400_000)) for _ in range(5)]
    assert filled(outgoing) == [(2, "p.a", 0), (2, "p.a", 0), (1, "p.a", 0)]


@pytest.mark.parametrize("before", [0, 1])
def test_an_oversized_record_is_refused_before_anything_is_sent(before: int) -> None:
    outgoing = [record("a", 0)] * before + [record("a", 0, bytes(BATCH_BYTES_MAX))]
    with pytest.raises(OversizedError, match="topic a"):
        filled(outgoing)


def test_the_largest_record_that_fits_is_taken() -> None:
    overhead = BATCH_BYTES_MAX - 1_024
    assert filled([record("a", 0, bytes(overhead))]) == [(1, "p.a", 0)]


def test_a_record_without_a_partition_is_a_fault() -> None:
    with pytest.raises(ValueError, match="Publisher"):
        filled([record("a", None)])


async def test_nothing_to_send_needs_no_broker() -> None:
    await AckedProducer(Connection("nowhere:1"), clock=lambda: 0).send_all([])
