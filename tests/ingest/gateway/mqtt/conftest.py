"""A door on a free port, with an authority of the day."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.gateway.mqtt.door import MqttDoor
from ingest.gateway.mqtt.limits import MqttLimits
from tests.ingest.gateway.mqtt.fakes import Authority, Counts, Desk, Keeper, Papers

OpenHouse = Callable[..., AbstractAsyncContextManager["House"]]


@dataclass
class House:
    """An open door and what stands behind it."""

    authority: Authority
    desk: Desk
    keeper: Keeper
    counts: Counts
    door: MqttDoor
    papers: Papers = field(init=False)

    def __post_init__(self) -> None:
        self.papers = self.authority.papers("dongle-7")

    async def connect(
        self, papers: Papers | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = await asyncio.to_thread((papers or self.papers).client)
        return await asyncio.open_connection("127.0.0.1", self.door.port, ssl=context)

    def args(self, papers: Papers | None = None) -> list[str]:
        """What mosquitto's clients want to know of the way in."""
        of = papers or self.papers
        where = ["-h", "127.0.0.1", "-p", str(self.door.port), "-V", "5"]
        return [*where, "--cafile", str(of.ca), "--cert", str(of.certificate), "--key", str(of.key)]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def house(authority: Authority, tmp_path: Path) -> OpenHouse:
    context = authority.listening()

    @asynccontextmanager
    async def opened(
        desk: Desk | None = None, limits: MqttLimits | None = None
    ) -> AsyncIterator[House]:
        keeper, counts = Keeper(context), Counts()
        of = desk or Desk()
        door = MqttDoor(of, keeper, "127.0.0.1", 0, limits=limits or MqttLimits(), observer=counts)
        await door.start()
        try:
            yield House(authority, of, keeper, counts, door)
        finally:
            await door.stop()
        assert counts.failures == []
        assert counts.open == 0

    return opened
