"""A bound on what a fetch becomes in memory, put into aiokafka's consumers.

aiokafka 0.14 unpacks a batch by one call without a limit, when its first record is asked for.
Its compiled parser looks its codecs up in its module, so that ours can stand there. A batch
that unpacks to too much, or not at all, is passed over as a control batch is: its offsets are
skipped, and whoever fetches is told which.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import default_records as plain_records
from aiokafka.record import legacy_records as plain_legacy
from aiokafka.record._crecords import default_records as compiled_records
from aiokafka.record._crecords import legacy_records as compiled_legacy

from bus.client.unpacking import (
    BATCH_BYTES_MAX,
    UnpackingError,
    unpack_gzip,
    unpack_lz4,
    unpack_snappy,
    unpack_zstd,
)

CODECS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip_decode": unpack_gzip,
    "snappy_decode": unpack_snappy,
    "lz4_decode": unpack_lz4,
    "zstd_decode": unpack_zstd,
}
logger = logging.getLogger(__name__)


class SetAside(NamedTuple):
    """The offsets of one batch that was not unpacked; ``topic`` is the name on the cluster."""

    topic: str
    partition: int
    first: int
    last: int


@dataclass(slots=True)
class Unpacking:
    """One fetch: what it may still unpack, and what it set aside.

    A batch unpacks to ``batch_bytes_max`` at most; after twice that no other is begun, and the
    next fetch goes on there.
    """

    batch_bytes_max: int = BATCH_BYTES_MAX
    set_aside: list[SetAside] = field(default_factory=list)
    used: int = 0

    @property
    def spent(self) -> bool:
        """Whether this fetch begins no other batch."""
        return self.used >= 2 * self.batch_bytes_max


def _log(aside: SetAside) -> None:
    logger.warning("a batch of %s unpacks to too much; it was set aside", aside.topic)


_told_of: Callable[[SetAside], None] = _log
_fetching: ContextVar[Unpacking | None] = ContextVar("fetching", default=None)
_codec = threading.local()


@contextmanager
def unpacking(batch_bytes_max: int) -> Iterator[Unpacking]:
    """Around one ``getmany``: bounds it over all partitions together."""
    one = Unpacking(batch_bytes_max)
    token = _fetching.set(one)
    try:
        yield one
    finally:
        _fetching.reset(token)


def _bounded(unpack: Callable[[bytes, int], bytes]) -> Callable[[bytes], bytes]:
    def decode(packed: bytes) -> bytes:
        unpacked = unpack(packed, getattr(_codec, "limit", BATCH_BYTES_MAX))
        _codec.length = len(unpacked)
        return unpacked

    return decode


class _Passed:
    """Stands for a batch that was not unpacked: what has no records to give is passed over."""

    producer_id = None
    is_control_batch = True
    is_transactional = False

    def __init__(self, batch: Any) -> None:
        self.base_offset: int = batch.base_offset
        self.next_offset: int = batch.next_offset

    def validate_crc(self) -> bool:
        return True


class _Unpacked:
    """A batch whose checksum was compared before it was unpacked; afterwards that is too late."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._batch)

    def __next__(self) -> Any:
        return next(self._batch)

    def validate_crc(self) -> bool:
        return True


class _Batches:
    """The batches of one partition's fetch, each unpacked within the bound before it is given."""

    def __init__(self, tp: Any, records: Any, *, check_crcs: bool) -> None:
        self._tp = tp
        self._records = records
        self._check_crcs = check_crcs
        self._own = Unpacking()

    def has_next(self) -> bool:
        current = _fetching.get() or self._own
        return not current.spent and bool(self._records.has_next())

    def next_batch(self) -> Any:
        current = _fetching.get() or self._own
        batch = self._records.next_batch()
        if self._check_crcs and not batch.validate_crc():
            msg = f"Invalid CRC - {self._tp}"
            raise CorruptRecordException(msg)
        _codec.limit, _codec.length = current.batch_bytes_max, 0
        try:
            iter(batch)
        except UnpackingError:
            current.used += current.batch_bytes_max
            topic, partition = self._tp
            aside = SetAside(topic, partition, batch.base_offset, batch.next_offset - 1)
            if _fetching.get() is None:
                _told_of(aside)
            else:
                current.set_aside.append(aside)
            return _Passed(batch)
        current.used += _codec.length
        return _Unpacked(batch)


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka publishes no types
    def __init__(self, tp: Any, records: Any, *rest: Any) -> None:
        *_, check_crcs, _isolation = rest
        super().__init__(tp, _Batches(tp, records, check_crcs=bool(check_crcs)), *rest)


def tell_of_others(told: Callable[[SetAside], None]) -> None:
    """Name who is told of batches that consumers of others set aside; else they are logged."""
    global _told_of  # noqa: PLW0603  # a consumer of others has no place to keep it
    _told_of = told


def install() -> None:
    """Put the bound into aiokafka's consumers; calling it again changes nothing."""
    for module in (plain_records, plain_legacy, compiled_records, compiled_legacy):
        for name, unpack in CODECS.items():
            if hasattr(module, name):
                setattr(module, name, _bounded(unpack))
    fetcher.PartitionRecords = _PartitionRecords
