"""What the broker in memory reads of a batch is what Kafka's own client put into it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bus.memory.batch_reader import records_of
from bus.ports import BATCH_BYTES_MAX
from bus.records import Outgoing, ReadyBatch
from tests.support.ready_batches import (
    COMPRESSIONS,
    Compression,
    Plain,
    plain_records,
    ready_of_aiokafka,
)


@given(plain_records, some.sampled_from(COMPRESSIONS))
def test_every_record_is_read_as_it_was_written(
    records: list[Plain], compression: Compression
) -> None:
    found = records_of(ready_of_aiokafka("t", 3, records, compression))
    assert found == [Outgoing("t", 3, one.key, one.value, list(one.headers)) for one in records]


@given(plain_records, some.sampled_from(COMPRESSIONS), some.data())
def test_damage_is_told_and_nothing_else_is_raised(
    records: list[Plain],
    compression: Compression,
    data: some.DataObject,
) -> None:
    whole = ready_of_aiokafka("t", 3, records, compression)
    bytes_ = bytearray(whole.data)
    for _ in range(data.draw(some.integers(1, 4))):
        at = data.draw(some.integers(0, len(bytes_) - 1))
        bytes_[at] ^= data.draw(some.integers(1, 255))
    cut = bytes(bytes_)[: data.draw(some.integers(0, len(bytes_)))]
    for damaged in (bytes(bytes_), cut):
        try:
            found = records_of(whole._replace(data=damaged))
        except ValueError:
            continue
        assert len(found) == len(records)


def test_a_batch_that_unpacks_to_more_than_a_topic_takes_is_refused() -> None:
    bomb = ready_of_aiokafka("t", 0, [Plain(None, bytes(BATCH_BYTES_MAX + 1))], "zstd")
    assert len(bomb.data) < 2_000
    with pytest.raises(ValueError, match="unpacked"):
        records_of(bomb)


def test_another_compression_is_refused() -> None:
    batch = ready_of_aiokafka("t", 0, [Plain(None, b"v")], None)
    gzip = ReadyBatch("t", 0, 1, batch.data[:22] + b"\x01" + batch.data[23:])
    with pytest.raises(ValueError, match="Zstandard"):
        records_of(gzip)
