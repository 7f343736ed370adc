"""A ready batch stands in for one that aiokafka builds, until it is sent and when it is sent again."""

from collections.abc import Sequence
from typing import Final

import aiokafka
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder, MessageBatch
from aiokafka.structs import TopicPartition
from hypothesis import given

from bus.client import sealing
from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.client.ready_batches import HOLDS_FOR, in_aiokafkas_place
from bus.client.sealing import Sender, seal, seal_slowly
from bus.failures import OversizedError
from bus.ports import BATCH_BYTES_MAX
from bus.records import Outgoing, ReadyBatch, Sendable
from processors import core
from tests.support.ready_batches import (
    COMPRESSIONS,
    Plain,
    built_by_aiokafka,
    needs_core,
    plain_records,
    read_by_aiokafka,
    ready_of_aiokafka,
)

NOW_MS: Final = 1_788_000_000_123
READY: Final = ready_of_aiokafka("a", 0, [Plain(b"k", b"v"), Plain(None, b"w")], None)


def test_the_private_calls_are_known_for_this_version_of_aiokafka() -> None:
    assert aiokafka.__version__ in HOLDS_FOR, (
        "read again what MessageBatch and MessageAccumulator call of a BatchBuilder, run "
        "tests/integration/test_ready_batches.py on a broker, and name the version"
    )


@given(plain_records)
def test_sealed_it_is_what_aiokafka_would_have_built(records: list[Plain]) -> None:
    for compression in COMPRESSIONS:
        bare = ready_of_aiokafka("a", 0, records, compression)
        expected = built_by_aiokafka(
            records, compression=compression, timestamp_ms=NOW_MS, producer=(7, 2, 40)
        )
        assert seal_slowly(bare.data, Sender(NOW_MS, 7, 2, 40)) == expected
        assert seal(bare.data, Sender(NOW_MS, 7, 2, 40)) == expected


@needs_core
def test_one_number_says_which_core_both_rooms_take() -> None:
    assert sealing.HAS_CORE
    assert sealing.INTERFACE == core.INTERFACE


async def test_the_queue_finds_in_it_what_it_finds_in_its_own() -> None:
    def through(builder: object) -> tuple[object, ...]:
        batch = MessageBatch(TopicPartition("a", 0), builder, 30, 5)
        batch.set_producer_state(7, 2, 40)
        batch.drain_ready()
        first = bytes(batch.get_data_buffer())
        batch.reset_drain()
        batch.drain_ready()
        again = bytes(batch.get_data_buffer())
        lingers = batch.remaining_linger()
        return batch.record_count, batch.is_empty(), lingers, batch.retry_count, first, again

    own = BatchBuilder(BATCH_BYTES_MAX, 0)
    own.append(timestamp=NOW_MS, key=b"k", value=b"v")
    own.append(timestamp=NOW_MS, key=None, value=b"w")
    own.close()
    assert through(in_aiokafkas_place(READY, NOW_MS)) == through(own)


def test_without_a_producers_number_it_is_sealed_as_it_is() -> None:
    assert read_by_aiokafka(in_aiokafkas_place(READY, NOW_MS)._build()) == [
        Plain(b"k", b"v"),
        Plain(None, b"w"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        READY._replace(records=1),
        READY._replace(records=0),
        READY._replace(data=READY.data[:-1]),
        READY._replace(data=READY.data + b"\0"),
        READY._replace(data=READY.data[:60]),
        READY._replace(data=b""),
        READY._replace(data=READY.data[:16] + b"\x01" + READY.data[17:]),
    ],
)
def test_what_is_not_the_batch_it_says_is_refused_before_anything_is_sent(
    wrong: ReadyBatch,
) -> None:
    with pytest.raises(ValueError, match="batch"):
        filled([Outgoing("a", 0, b"k", b"v"), wrong])


def test_a_batch_that_no_topic_takes_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(OversizedError, match="topic a"):
        filled([READY, READY._replace(data=bytes(BATCH_BYTES_MAX + 1))])


def test_records_and_ready_batches_of_one_partition_keep_their_order() -> None:
    record = Outgoing("a", 0, b"k", b"v")
    assert filled([record, READY, record, record._replace(partition=1), READY, record]) == [
        (1, "p.a", 0),
        (2, "p.a", 0),
        (1, "p.a", 0),
        (1, "p.a", 1),
        (2, "p.a", 0),
        (1, "p.a", 0),
    ]


def filled(sendables: Sequence[Sendable]) -> list[tuple[int, str, int]]:
    producer = AckedProducer(Connection("nowhere:1", prefix="p."), clock=lambda: NOW_MS)
    batches = producer._fill(lambda: BatchBuilder(BATCH_BYTES_MAX, 0), sendables)
    return [(batch.record_count(), topic, partition) for batch, topic, partition in batches]
