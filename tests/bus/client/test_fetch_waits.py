"""How long the broker may gather before it answers a fetch is what the settings say."""

from typing import Any

import pytest

from bus.client import member
from bus.client.address import Address
from bus.client.member import KafkaMember
from bus.ports import ReaderSettings


class _Consumer:
    """Takes the options that a member gives the client."""

    given: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        type(self).given = options

    def subscribe(self, topics: object, listener: object) -> None:
        pass

    async def start(self) -> None:
        pass


async def revoked() -> None:
    pass


async def test_a_member_asks_the_broker_to_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "AIOKafkaConsumer", _Consumer)
    settings = ReaderSettings(fetch_bytes_min=70_000, fetch_wait_ms=25)
    address = Address("127.0.0.1:1")
    one = KafkaMember(address, "g", ["t"], member=None, settings=settings, revoked=revoked)
    await one.start()
    options = _Consumer.given
    assert (options["fetch_min_bytes"], options["fetch_max_wait_ms"]) == (70_000, 25)
    assert options["fetch_max_bytes"] >= options["fetch_min_bytes"], "it would always wait"
