"""The id of a topic on every broker: its own for as long as it lives, another once it is made anew."""

from collections.abc import Mapping

from bus.ports import Broker
from tests.integration.bus_road import IN, OUT, make_anew, make_road, numbered, publish


async def ids_of(bus: Broker, *names: str) -> Mapping[str, str]:
    async with bus.topic_ids() as ids:
        return await ids.of(names)


async def test_every_topic_has_an_id_of_its_own_that_stays(bus: Broker) -> None:
    await make_road(bus)
    found = await ids_of(bus, IN, OUT)
    assert found.keys() == {IN, OUT}
    assert len(set(found.values())) == 2
    await publish(bus, numbered(0, 5))
    assert await ids_of(bus, IN, OUT) == found


async def test_a_topic_that_was_made_anew_has_another_id(bus: Broker) -> None:
    await make_road(bus)
    before = await ids_of(bus, IN, OUT)
    await make_anew(bus, IN)
    after = await ids_of(bus, IN, OUT)
    assert after[OUT] == before[OUT]
    assert after[IN] not in before.values()


async def test_a_topic_that_is_not_there_has_none_and_asking_makes_none(bus: Broker) -> None:
    await make_road(bus)
    for _ in range(2):
        assert (await ids_of(bus, IN, "nowhere")).keys() == {IN}
    assert await ids_of(bus) == {}
