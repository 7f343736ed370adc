"""Known values of Kafka's default partitioner."""

import random

import pytest
from aiokafka.partitioner import murmur2 as client_murmur2

from bus.partitions import partition_for

# Kafka's own UtilsTest pins murmur2 of these keys; toPositive clears the sign bit.
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def test_any_key_goes_where_the_client_puts_it() -> None:
    chance = random.Random(3)
    for length in [*range(70), 300]:
        key = chance.randbytes(length)
        assert partition_for(key, 977) == (client_murmur2(key) & 0x7FFFFFFF) % 977


@pytest.mark.parametrize(("key", "murmur2"), MURMUR2.items())
@pytest.mark.parametrize("partitions", [1, 4, 12])
def test_a_key_goes_where_every_kafka_client_puts_it(
    key: bytes, murmur2: int, partitions: int
) -> None:
    assert partition_for(key, partitions) == (murmur2 & 0x7FFFFFFF) % partitions
