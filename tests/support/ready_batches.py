"""Ready batches for tests, made by aiokafka's own builder and, where it is built, by the core."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import strategies as some

from bus.records import ReadyBatch

ZSTD: Final = 4
CORE_IS_BUILT: Final = importlib.util.find_spec("roadfade_core") is not None
needs_core: Final = pytest.mark.skipif(
    not CORE_IS_BUILT, reason="the core is not built here: `make core` says why"
)


class Plain(NamedTuple):
    """What a record holds."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


Compression = Literal["zstd"] | None
COMPRESSIONS: Final[Sequence[Compression]] = (None, "zstd")
Make = Callable[[str, int, Sequence[Plain], Compression], ReadyBatch]
"""Topic, partition, records, and how they are compressed."""

plain_records: Final = some.lists(
    some.builds(
        Plain,
        some.none() | some.binary(max_size=300),
        some.none() | some.binary(max_size=300),
        some.lists(some.tuples(some.text(max_size=20), some.binary(max_size=200)), max_size=4).map(
            tuple
        ),
    ),
    min_size=1,
    max_size=40,
)


def built_by_aiokafka(
    records: Sequence[Plain],
    *,
    compression: Compression,
    timestamp_ms: int = 0,
    producer: Any = (-1, -1, -1),
) -> bytes:
    """A whole sealed batch."""
    builder = DefaultRecordBatchBuilder(2, ZSTD if compression else 0, 0, *producer, 1 << 20)
    for number, record in enumerate(records):
        added = builder.append(number, timestamp_ms, record.key, record.value, list(record.headers))
        assert added is not None
    return bytes(builder.build())


def read_by_aiokafka(batch: bytes) -> list[Plain]:
    """Its records, if its checksum is right."""
    found = DefaultRecordBatch(bytearray(batch))
    assert found.validate_crc()
    return [Plain(one.key, one.value, tuple(one.headers)) for one in found]


def ready_of_aiokafka(
    topic: str, partition: int, records: Sequence[Plain], compression: Compression
) -> ReadyBatch:
    data = built_by_aiokafka(records, compression=compression)
    return ReadyBatch(topic, partition, len(records), data)


def ready_of_core(
    topic: str, partition: int, records: Sequence[Plain], compression: Compression
) -> ReadyBatch:
    import roadfade_core  # noqa: PLC0415  # not everywhere

    batches = roadfade_core.RecordBatches(compression=compression, batch_bytes_max=1 << 20)
    for one in records:
        batches.append(0, partition, one.key, one.value, list(one.headers))
    ((_, _, count, data),) = batches.take()
    return ReadyBatch(topic, partition, count, data)


MAKERS: Final = [
    pytest.param(ready_of_aiokafka, id="aiokafka"),
    pytest.param(ready_of_core, id="core", marks=needs_core),
]
