"""The broker that `make run` and these tests start."""

import gc
import os
import signal
from collections.abc import Callable

import pytest

from roadfade.local.broker import LocalBroker, answers
from roadfade.local.failure import LocalError
from roadfade.local.java import kafka_libs
from tests.support.broker import HEAP_MAX_MIB
from tests.support.watching import until

pytestmark = pytest.mark.broker
# A starved machine answers late; what is asked is whether it answers.
PATIENCE_S = 30


def test_the_run_has_one_broker_that_answers(broker: LocalBroker) -> None:
    assert answers(broker.port, timeout_s=PATIENCE_S)


@pytest.mark.faults
def test_a_killed_broker_comes_back_at_the_same_address(
    killable_broker: Callable[[], LocalBroker],
) -> None:
    broker = killable_broker()
    address, first = broker.bootstrap_servers, broker.pid
    broker.kill9()
    assert not answers(broker.port)
    broker.start()
    assert answers(broker.port, timeout_s=PATIENCE_S)
    assert (broker.bootstrap_servers, broker.pid != first) == (address, True)


@pytest.mark.faults
def test_a_broker_that_ended_by_itself_starts_again_and_leaves_nothing(
    killable_broker: Callable[[], LocalBroker],
) -> None:
    broker = killable_broker()
    os.kill(broker.pid, signal.SIGKILL)
    until(lambda: not broker.is_running, "its end")
    broker.start()
    gc.collect()  # what watched over the first one would warn here
    assert answers(broker.port, timeout_s=PATIENCE_S)


def test_a_second_broker_on_a_folder_is_refused_and_touches_nothing(
    killable_broker: Callable[[], LocalBroker],
) -> None:
    first = killable_broker()
    settings = first.log.parent / "server.properties"
    before = settings.read_bytes()
    second = LocalBroker(first.log.parent, kafka_libs(), heap_max_mib=HEAP_MAX_MIB)
    with pytest.raises(LocalError, match=str(first.log)):
        second.start()
    second.stop()
    assert settings.read_bytes() == before
    assert answers(first.port, timeout_s=PATIENCE_S), first.log.read_text()[-2_000:]


def test_a_folder_is_free_again_once_its_broker_ended(
    killable_broker: Callable[[], LocalBroker],
) -> None:
    first = killable_broker()
    first.stop()
    with LocalBroker(first.log.parent, kafka_libs(), heap_max_mib=HEAP_MAX_MIB) as second:
        assert answers(second.port, timeout_s=PATIENCE_S)
