"""Which partition a key belongs to, as every Kafka client in its default setting answers it."""

from aiokafka.partitioner import murmur2


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key among ``partitions``: positive murmur2 modulo their number.

    The rule is Kafka's own (``BuiltInPartitioner.partitionForKey``), so any other plain producer
    puts the same key into the same partition.
    """
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
