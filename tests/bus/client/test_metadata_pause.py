import asyncio

import pytest
from aiokafka.client import AIOKafkaClient

from bus.client import metadata_pause


@pytest.mark.parametrize(("updated", "waits"), [(True, []), (False, [metadata_pause.PAUSE_S])])
async def test_only_a_failed_update_is_followed_by_a_pause(
    monkeypatch: pytest.MonkeyPatch, *, updated: bool, waits: list[float]
) -> None:
    waited: list[float] = []

    async def update(*_: object) -> bool:
        return updated

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(metadata_pause, "_update", update)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert await metadata_pause._update_then_pause(object(), object(), set()) is updated
    assert waited == waits


def test_installing_twice_is_installing_once() -> None:
    metadata_pause.install()
    first = AIOKafkaClient._metadata_update
    metadata_pause.install()
    assert AIOKafkaClient._metadata_update is first is metadata_pause._update_then_pause
