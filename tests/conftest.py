"""What every test gets: one real broker a run, names of its own on it, and no mess left.

Heavy imports happen inside the fixtures, so that a unit test does not pay for them.
"""

import asyncio
import inspect
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from tests.support.tasks import left_behind

if TYPE_CHECKING:
    from bus.connection import Connection
    from roadfade.local.broker import LocalBroker
    from tests.support.road import Road

OUR_PACKAGES = (
    "telemetry",
    "policy",
    "pages",
    "processors",
    "bus",
    "sinks",
    "ingest",
    "office",
    "roadfade",
)
_prefixes = itertools.count(1)

# How fast examples are made depends on what else the machine does, not on the claim.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalBroker"]:
    """The one broker of this run. Nobody may stop it: use ``killable_broker`` for that."""
    from tests.support.broker import running_broker  # noqa: PLC0415  # unit tests need no Java

    yield from running_broker(tmp_path_factory.mktemp("broker"))


@pytest.fixture
def connection(broker: "LocalBroker") -> "Connection":
    """The run's broker under a prefix of this test's own, for topics and groups."""
    from bus.connection import Connection  # noqa: PLC0415  # unit tests need no Kafka client

    return Connection(broker.bootstrap_servers, prefix=f"t{os.getpid()}-{next(_prefixes)}.")


@pytest.fixture
def killable_broker(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], "LocalBroker"]]:
    """Make started brokers that the test may kill and restart; they end with the test."""
    from tests.support.broker import new_broker  # noqa: PLC0415  # unit tests need no Java

    made: list[LocalBroker] = []

    def make() -> "LocalBroker":
        one = new_broker(tmp_path_factory.mktemp("killable"))
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def road(broker: "LocalBroker", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Road"]:
    """Every process on the run's broker, for one module; its tests share it."""
    from tests.support.road import no_prefix_twice, running_road  # noqa: PLC0415  # heavy

    state_dir = tmp_path_factory.mktemp("road")
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state_dir) as one:
        yield one


@pytest.fixture(scope="session")
def blocking_calls() -> BlockBuster:
    """The watch over blocking calls that our own modules make on the event loop."""
    watch = BlockBuster(scanned_modules=list(OUR_PACKAGES))
    for function in watch.functions.values():
        # Importing a module inside a coroutine reads files once; that is no blocking call of ours.
        function.can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
    return watch


@pytest.fixture(autouse=True)
def _clean_loop(request: pytest.FixtureRequest) -> None:
    """Watch the event loop of every async test, and of no other."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_watched_loop")


@pytest.fixture
async def _watched_loop(blocking_calls: BlockBuster) -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    blocking_calls.activate()
    yield
    blocking_calls.deactivate()
    leaked = await left_behind(before)
    if leaked:
        pytest.fail(f"the test left tasks running: {leaked}", pytrace=False)
