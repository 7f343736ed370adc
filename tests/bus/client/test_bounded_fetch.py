"""aiokafka's own parser, bounded: what unpacks to too much is passed over, and told."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from bus.client import bounded_fetch
from bus.client.bounded_fetch import SetAside, Unpacking, unpacking
from bus.client.unpacking import BATCH_BYTES_MAX

MIB = 1024 * 1024
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
PACKING = [name for name in CODECS if name != "none"]
TP = TopicPartition("t", 3)


def batch(base: int, *values: bytes, codec: str = "zstd") -> bytes:
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], False, -1, -1, -1, 1 << 30)  # noqa: FBT003  # the client's own signature
    for n, value in enumerate(values):
        builder.append(n, 1_000, b"k", value, [])
    made = bytearray(builder.build())
    made[:8] = base.to_bytes(8, "big")  # not covered by the checksum
    return bytes(made)


def read(fetched: bytes, *, at: int = 0) -> Any:
    bounded_fetch.install()
    records = MemoryRecords(fetched)
    return fetcher.PartitionRecords(TP, records, [], at, None, None, True, 0)  # noqa: FBT003  # as aiokafka calls it


@pytest.mark.parametrize("codec", CODECS)
def test_what_fits_is_read_as_ever(codec: str) -> None:
    with unpacking(MIB) as one:
        found = list(read(batch(7, b"a", b"b" * 1_000, codec=codec) + batch(9, b"c", codec=codec)))
    assert [(record.offset, record.value) for record in found] == [
        (7, b"a"), (8, b"b" * 1_000), (9, b"c"),
    ]  # fmt: skip
    assert one.set_aside == []


@pytest.mark.parametrize("codec", PACKING)
def test_a_bomb_is_passed_over_and_its_neighbours_are_read(codec: str) -> None:
    bomb = batch(1, b"x", bytes(4 * MIB), b"y", codec=codec)
    with unpacking(MIB) as one:
        partition = read(batch(0, b"a") + bomb + batch(4, b"b"))
        found = [record.offset for record in partition]
    assert found == [0, 4]
    assert partition.next_fetch_offset == 5
    assert one.set_aside == [SetAside("t", 3, 1, 3)]


def test_a_fetch_begins_no_other_batch_once_it_unpacked_enough() -> None:
    half = bytes(MIB // 2 + 1_000)
    batches = [batch(n, half) for n in range(10)]
    with unpacking(MIB):
        first = read(b"".join(batches))
        assert [record.offset for record in first] == [0, 1, 2, 3]
        assert list(read(batch(0, b"of another partition"))) == []
    with unpacking(MIB):
        again = read(b"".join(batches[4:]), at=first.next_fetch_offset)
        assert next(again).offset == 4


def test_a_fetch_of_nobody_we_know_is_bounded_by_itself() -> None:
    bombs = b"".join(batch(n, bytes(17 * MIB)) for n in range(3))
    partition = read(bombs + batch(3, b"a"))
    assert list(partition) == []
    assert partition.next_fetch_offset == 2, "the rest is fetched again"
    assert [record.offset for record in read(bombs + batch(3, b"a"), at=2)] == []


def test_a_batch_whose_checksum_is_wrong_is_still_refused() -> None:
    damaged = bytearray(batch(0, b"a" * 100))
    damaged[-1] ^= 1
    with pytest.raises(CorruptRecordException):
        list(read(bytes(damaged)))


@pytest.mark.parametrize("install", [bounded_fetch.install], ids=["twice"])
def test_installing_again_changes_nothing(install: Callable[[], None]) -> None:
    install()
    first = fetcher.PartitionRecords
    install()
    assert fetcher.PartitionRecords is first
    assert not Unpacking().spent


def test_what_a_consumer_of_others_sets_aside_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_fetch, "_told_of", None)
    told = list[SetAside]()
    bounded_fetch.tell_of_others(told.append)
    too_much = batch(1, bytes(BATCH_BYTES_MAX + 1))
    partition = read(batch(0, b"a") + too_much + batch(2, b"b"))
    assert [record.offset for record in partition] == [0, 2]
    assert told == [SetAside("t", 3, 1, 1)]
