"""Every front door of an installation sends a device to one partition, and their number is fenced."""

import asyncio
import stat
from pathlib import Path
from typing import Self

import pytest

from bus.failures import BrokerError
from bus.memory.broker import FakeBroker
from bus.topics import TopicSpec
from roadfade.raw_partitions import raw_partitions
from roadfade.raw_routing import make_routing_key, routing_key, routing_of
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.topics import RAW


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state")


async def raw_topic(partitions: int) -> FakeBroker:
    broker = FakeBroker()
    await broker.admin().create([TopicSpec(RAW, partitions, {})])
    return broker


def test_a_key_is_made_once_and_only_its_owner_may_read_it(settings: Settings) -> None:
    file = settings.routing_key_path
    make_routing_key(file)
    key = routing_key(file)
    make_routing_key(file)
    assert routing_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0, "run `roadfade office init`"),
        ("ab" * 32, 0o644, "chmod 600"),
        ("ab" * 31, 0o600, "is no routing key"),
        ("zz" * 32, 0o600, "is no routing key"),
    ],
    ids=["none", "readable", "short", "no hexadecimal"],
)
async def test_without_a_good_key_nothing_is_sent(
    settings: Settings, text: str | None, mode: int, said: str
) -> None:
    settings.state_dir.mkdir()
    if text is not None:
        settings.routing_key_path.write_text(text)
        settings.routing_key_path.chmod(mode)
    with pytest.raises(NotReady, match=said):
        await routing_of(settings, await raw_topic(2))


async def test_all_doors_of_one_folder_have_one_routing(settings: Settings) -> None:
    await asyncio.to_thread(make_routing_key, settings.routing_key_path)
    broker = await raw_topic(5)
    one, other = await routing_of(settings, broker), await routing_of(settings, broker)
    assert one == other and one.partitions == 5


async def test_partitions_that_were_added_are_refused_with_a_remedy(settings: Settings) -> None:
    broker = await raw_topic(2)
    assert await raw_partitions(settings, broker) == 2
    broker._cluster.topics[RAW].logs.append(type(broker._cluster.topics[RAW].logs[0])())
    for _ in range(2):
        with pytest.raises(NotReady, match=r"3 partitions, and had 2 .* workers come to"):
            await raw_partitions(settings, broker)


@pytest.mark.parametrize("silent", [0, 1, 2], ids=["never", "when recorded", "when compared"])
async def test_a_broker_that_tells_no_id_opens_no_fence(
    settings: Settings, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = await raw_topic(2)
    ids = broker.topic_ids

    def of(turn: int) -> object:
        return _NoIds() if turn == silent else ids()

    monkeypatch.setattr(broker, "topic_ids", lambda: of(1))
    await raw_partitions(settings, broker)
    broker._cluster.topics[RAW].logs.append(type(broker._cluster.topics[RAW].logs[0])())
    for turn in (2, 3):
        monkeypatch.setattr(broker, "topic_ids", lambda turn=turn: of(turn))
        with pytest.raises(NotReady, match="3 partitions, and had 2"):
            await raw_partitions(settings, broker)


class _NoIds:
    """A broker that does not answer this one question."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def of(self, names: object) -> dict[str, str]:
        raise BrokerError(str(names))


async def test_a_topic_that_is_made_anew_may_have_another_number(settings: Settings) -> None:
    broker = await raw_topic(2)
    await raw_partitions(settings, broker)
    await broker.admin().create([TopicSpec("other", 1, {})])
    await broker.admin().delete([RAW])
    with pytest.raises(NotReady, match="is not there"):
        await raw_partitions(settings, broker)
    await broker.admin().create([TopicSpec(RAW, 6, {})])
    assert await raw_partitions(settings, broker) == 6
    assert await raw_partitions(settings, broker) == 6
