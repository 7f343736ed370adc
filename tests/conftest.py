"""What every test gets: one real broker a worker, names of its own on it, and no mess left.

Heavy imports happen inside the fixtures, so that a unit test does not pay for them. Run on
several workers (``pytest -n``), a file's tests stay together on one of them, and so do those of
files that TOGETHER names.
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
from tests.support.times import examples

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
TOGETHER = {
    "tests/flow/test_canaries.py": "road",
    "tests/flow/test_consent.py": "road",
    "tests/flow/test_malformed.py": "road",
    "tests/flow/test_obd.py": "road",
    "tests/flow/test_person.py": "road",
    "tests/flow/test_reconcile.py": "road",
    "tests/flow/test_replay_real.py": "road",
    "tests/flow/test_sealed_raw.py": "road",
    "tests/integration/test_commands.py": "road",
    "tests/flow/test_crash.py": "calm",
    "tests/flow/test_deadly_record.py": "calm",
    "tests/flow/test_freezes.py": "calm",
    "tests/flow/test_full_disk.py": "calm",
    "tests/flow/test_outage.py": "calm",
    "tests/flow/test_poison_road.py": "calm",
    "tests/flow/test_topics_anew.py": "calm",
    "tests/flow/test_version_replay.py": "calm",
    "tests/integration/test_acls.py": "way",
    "tests/integration/test_acls_denied.py": "way",
    "tests/integration/test_access_rights.py": "way",
    "tests/integration/test_apply_rights.py": "way",
    "tests/integration/test_broker_doors.py": "way",
}
"""Files whose tests share a fixture of the whole session: one worker runs them all."""
_prefixes = itertools.count(1)

# How fast examples are made depends on what else the machine does, not on the claim.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=examples(100),
)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--evidence``, for the whole suite: see ``tests/support/evidence.py``."""
    said = "fail unless each test that the product names as evidence ran and passed"
    parser.addoption("--evidence", action="store_true", help=said)


def pytest_configure(config: pytest.Config) -> None:
    """Watch for evidence where all reports come together."""
    if config.getoption("--evidence") and not hasattr(config, "workerinput"):
        from tests.support.evidence_plugin import Evidence  # noqa: PLC0415  # reads the policy

        config.pluginmanager.register(Evidence())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits for a broker: the many short tests fill the time that is left."""
    shared = list(dict.fromkeys(TOGETHER.values()))

    def place(item: pytest.Item) -> int:
        group = TOGETHER.get(item.nodeid.partition("::")[0])
        used = {group, *shared} & set(getattr(item, "fixturenames", ()))
        if used - {group}:
            message = f"{item.nodeid} uses {used}: name its file in TOGETHER"
            raise pytest.UsageError(message)
        if group is not None:
            return shared.index(group)
        return len(shared) + (item.get_closest_marker("broker") is None)

    items.sort(key=place)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist publishes no types
    """Hand out tests by file, and files that share something to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)  # also without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Replace xdist's own way of ``--dist loadfile``."""
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


@pytest.fixture(scope="session")
def road(broker: "LocalBroker", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Road"]:
    """Every process on the worker's broker, for all tests that leave them as they are.

    They share it: who counts, counts from when it began (``support.since``), with dongles of
    its own.
    """
    from tests.support.road import no_prefix_twice, running_road  # noqa: PLC0415  # heavy

    # Compression would hide a mark from the search for canaries; few sweeps leave time to others.
    quiet = {"lake_compression": "uncompressed", "sweep_every_s": 5.0}
    state_dir = tmp_path_factory.mktemp("road")
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state_dir, **quiet) as one:
        yield one


@pytest.fixture(scope="session")
def blocking_calls() -> BlockBuster:
    """The watch over blocking calls that our own modules make on the event loop."""
    watch = BlockBuster(scanned_modules=list(OUR_PACKAGES))
    for function in watch.functions.values():
        # Importing a module inside a coroutine reads files once; that is no blocking call of ours.
        function.can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
        # A look at three small files before a connection is opened, which is seldom.
        function.can_block_in("bus/client/security.py", {"renew", "_context"})
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
