"""The list of rights on every broker: given, taken, and nothing else touched."""

from collections.abc import Callable

import pytest

from bus.access_rights import AccessRights, Right
from bus.client.access_rights import KafkaRights
from bus.client.connection import Connection
from bus.failures import BrokerError, NoAuthorizerError
from bus.memory.access_rights import MemoryRights
from policy.artefacts.acls import ADMIN, SINK
from tests.integration.guarded_road import Way
from tests.support.guarded_broker import SUPER_USER

READS = Right("somebody", "Read", "topic", "elsewhere.a")
WRITES = Right("somebody", "DescribeConfigs", "topic", "elsewhere.a")
WIDER = Right("somebody", "Read", "topic", "elsewhere.a", "prefixed")
NEARBY = Right("somebody", "Read", "topic", "elsewhere.a", "literal", "10.0.0.1")
OTHERS = (
    WIDER,
    NEARBY,
    Right("another", "Read", "topic", "elsewhere.a"),
    Right("somebody", "Read", "group", "elsewhere.a"),
    Right("somebody", "Alter", "cluster", "kafka-cluster"),
)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.broker)])
def rights(request: pytest.FixtureRequest) -> AccessRights:
    """The list in memory, then Kafka's own as its administrator sees it."""
    if request.param == "memory":
        return MemoryRights()
    way: Way = request.getfixturevalue("way")
    return KafkaRights(way(SUPER_USER))


async def test_what_is_given_is_held_and_what_is_taken_is_not(rights: AccessRights) -> None:
    async with rights:
        before = await rights.held()
        await rights.give([READS, WRITES])
        await rights.give([READS])
        assert await rights.held() - before == {READS, WRITES}
        await rights.take([READS])
        assert await rights.held() - before == {WRITES}
        await rights.take([READS, WRITES])
        assert await rights.held() == before


async def test_taking_one_right_takes_none_that_is_like_it(rights: AccessRights) -> None:
    async with rights:
        before = await rights.held()
        await rights.give([READS, *OTHERS])
        await rights.take([READS])
        assert await rights.held() - before == set(OTHERS)
        await rights.take(OTHERS)
        assert await rights.held() == before


async def test_nothing_to_give_or_take_asks_nobody(rights: AccessRights) -> None:
    async with rights:
        await rights.give([])
        await rights.take([])


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.broker)])
def unguarded(request: pytest.FixtureRequest) -> AccessRights:
    """A broker that lets everybody do everything."""
    if request.param == "memory":
        return MemoryRights(guarded=False)
    connection: Connection = request.getfixturevalue("connection")
    return KafkaRights(connection)


ASKED: list[Callable[[AccessRights], object]] = [
    lambda rights: rights.held(),
    lambda rights: rights.give([READS]),
    lambda rights: rights.take([READS]),
]


@pytest.mark.parametrize("ask", ASKED, ids=["held", "give", "take"])
async def test_a_broker_without_an_authorizer_says_so(
    unguarded: AccessRights, ask: Callable[[AccessRights], object]
) -> None:
    async with unguarded:
        with pytest.raises(NoAuthorizerError):
            await ask(unguarded)  # type: ignore[misc]  # each is a coroutine


@pytest.mark.broker
async def test_an_administrator_of_topics_sees_rights_and_changes_none(way: Way) -> None:
    async with KafkaRights(way(ADMIN)) as rights:
        assert await rights.held()
        with pytest.raises(BrokerError, match="AUTHORIZATION_FAILED"):
            await rights.give([READS])
    async with KafkaRights(way(SINK)) as rights:
        with pytest.raises(BrokerError, match="AUTHORIZATION_FAILED"):
            await rights.held()
