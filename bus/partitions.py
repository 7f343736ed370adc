"""Which partition a key belongs to, as every Kafka client in its default setting answers it."""

from struct import unpack_from
from typing import Final

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_32_BITS: Final = 0xFFFFFFFF


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key among ``partitions``: positive murmur2 modulo their number.

    The rule is Kafka's own (``BuiltInPartitioner.partitionForKey``), so any other plain producer
    puts the same key into the same partition.
    """
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def _murmur2(key: bytes) -> int:
    """MurmurHash2 (A. Appleby), 32 bits, Kafka's seed; by words, as the client's is by bytes."""
    rest = len(key) & 3
    hashed = _SEED ^ len(key)
    for read in unpack_from(f"<{len(key) >> 2}I", key):
        word = (read * _FACTOR) & _32_BITS
        word ^= word >> 24
        hashed = (hashed * _FACTOR ^ word * _FACTOR) & _32_BITS
    if rest:
        hashed = ((hashed ^ int.from_bytes(key[-rest:], "little")) * _FACTOR) & _32_BITS
    hashed = ((hashed ^ hashed >> 13) * _FACTOR) & _32_BITS
    return hashed ^ hashed >> 15
