"""The broker that `make run` and these tests start."""

from collections.abc import Callable

import pytest

from roadfade.local.broker import LocalBroker, answers

pytestmark = pytest.mark.broker


def test_the_run_has_one_broker_that_answers(broker: LocalBroker) -> None:
    assert answers(broker.port)


def test_a_killed_broker_comes_back_at_the_same_address(
    killable_broker: Callable[[], LocalBroker],
) -> None:
    broker = killable_broker()
    address, first = broker.bootstrap_servers, broker.pid
    broker.kill9()
    assert not answers(broker.port)
    broker.start()
    assert answers(broker.port)
    assert (broker.bootstrap_servers, broker.pid != first) == (address, True)
