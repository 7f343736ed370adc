"""What every test gets: one real broker a worker, names of its own on it, and no mess left.

Heavy imports happen inside the fixtures, so that a unit test does not pay for them. Run on
several workers (``pytest -n``), a file's tests stay together on one of them, and so do the
tests of all files that share a fixture of SHARED.
"""

import asyncio
import inspect
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support.tasks import left_behind

if TYPE_CHECKING:
    from bus.client.connection import Connection
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
    "assessment",
    "roadfade",
)
SHARED = ("road", "calm")
"""Fixtures of a whole session that cost more than to wait for the tests of another file."""
_prefixes = itertools.count(1)

# How fast examples are made depends on what else the machine does, not on the claim.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a road, and begin with what waits for a broker.

    The many short tests come last and fill the time that is left.
    """
    for item in items:
        for name in SHARED:
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(name))
    order = {name: place for place, name in enumerate(SHARED)}

    def place(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group")
        if group is not None:
            return order[group.args[0]]
        return len(order) + (item.get_closest_marker("broker") is None)

    items.sort(key=place)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist publishes no types
    """Hand out tests by the fixture that they share, and otherwise by their file."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        # xdist appends the group; an "@" within the brackets belongs to a parameter.
        name, _, group = test.rpartition("@")
        return group if name and "]" not in group else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Use our own unit of work with ``--dist loadgroup``."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalBroker"]:
    """The one broker of this worker. Nobody may stop it: use ``killable_broker`` for that."""
    from tests.support.broker import running_broker  # noqa: PLC0415  # unit tests need no Java

    yield from running_broker(tmp_path_factory.mktemp("broker"))


@pytest.fixture
def connection(broker: "LocalBroker") -> "Connection":
    """The worker's broker under a prefix of this test's own, for topics and groups."""
    from bus.client.connection import Connection  # noqa: PLC0415  # unit tests need no Kafka client

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
