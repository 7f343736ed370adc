"""The core's batches, byte by byte what Kafka's own Python client builds of the same records."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bus.client.sealing import HAS_CORE, Sender, seal
from tests.support.ready_batches import (
    CORE_IS_BUILT,
    Plain,
    built_by_aiokafka,
    needs_core,
    plain_records,
    read_by_aiokafka,
    ready_of_core,
)

if CORE_IS_BUILT:
    import roadfade_core

pytestmark = needs_core
SENDER: Final = Sender(1_788_000_000_123, 4_711, 3, 99)


@given(plain_records)
def test_without_compression_every_byte_is_the_same(records: list[Plain]) -> None:
    made = seal(ready_of_core("t", 0, records, None).data, SENDER)
    stamp, *producer = SENDER
    assert made == built_by_aiokafka(
        records, compression=None, timestamp_ms=stamp, producer=producer
    )


@given(plain_records)
def test_compressed_it_holds_the_same_records(records: list[Plain]) -> None:
    batch = ready_of_core("t", 0, records, "zstd")
    assert read_by_aiokafka(seal(batch.data, SENDER)) == records
    assert batch.records == len(records)


def test_the_core_that_is_here_seals() -> None:
    assert HAS_CORE


@given(some.lists(some.tuples(some.integers(0, 2), some.integers(0, 2), some.binary(max_size=99))))
def test_records_stay_in_their_lanes_and_in_their_order(
    placed: list[tuple[int, int, bytes]],
) -> None:
    batches = core_batches()
    for topic, partition, value in placed:
        batches.append(topic, partition, None, value, [])
    taken = batches.take()
    lanes = [(topic, partition) for topic, partition, _, _ in taken]
    assert lanes == sorted({(topic, partition) for topic, partition, _ in placed})
    for topic, partition, count, data in taken:
        found = [one.value for one in read_by_aiokafka(seal(data, SENDER))]
        assert found == [value for *lane, value in placed if lane == [topic, partition]]
        assert count == len(found)


def test_what_no_batch_can_hold_is_refused_and_the_rest_is_as_before() -> None:
    batches = core_batches(batch_bytes_max=1_000)
    batches.append(0, 0, None, bytes(900), [])
    with pytest.raises(roadfade_core.OversizedError):
        batches.append(0, 0, None, bytes(1_000), [])
    assert [count for *_, count, _ in batches.take()] == [1]
    assert batches.take() == []


def test_what_is_not_a_record_is_an_error_and_no_crash() -> None:
    batches = core_batches()
    wrongs: list[Any] = [
        (-1, 0, None, None, []),
        (0, 0, "text", None, []),
        (0, 0, None, None, [("a", 1)]),
    ]
    for wrong in wrongs:
        with pytest.raises((TypeError, OverflowError)):
            batches.append(*wrong)
    with pytest.raises(UnicodeEncodeError):
        batches.append(0, 0, None, None, [("\ud800", b"")])
    with pytest.raises(ValueError, match="no whole batch"):
        roadfade_core.seal(bytes(60), **SENDER._asdict())
    with pytest.raises(ValueError, match="zstd or None"):
        roadfade_core.RecordBatches(compression="gzip", batch_bytes_max=1)  # type: ignore[arg-type]
    assert batches.take() == []


def core_batches(batch_bytes_max: int = 1 << 20) -> "roadfade_core.RecordBatches":
    return roadfade_core.RecordBatches(compression=None, batch_bytes_max=batch_bytes_max)
