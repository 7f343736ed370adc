"""Every kind of broker, for the claims that hold on each of them."""

from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest

from bus.memory.broker import FakeBroker
from bus.ports import Broker
from roadfade.clock import wall_ms
from tests.support.fast_time import fast_time


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.broker)])
def every_broker(request: pytest.FixtureRequest) -> Broker:
    """The broker in memory, then Kafka itself under a prefix of the test's own."""
    if request.param == "memory":
        return FakeBroker(wall_ms)
    broker: Broker = request.getfixturevalue("connection")
    return broker


@pytest.fixture
async def bus(every_broker: Broker) -> AsyncIterator[Broker]:
    """Every broker in turn; waiting for the one in memory takes no time."""
    with fast_time() if isinstance(every_broker, FakeBroker) else nullcontext():
        yield every_broker
