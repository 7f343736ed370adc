"""A step of the office that fails is said once and counted, whatever becomes of the others."""

import logging

import pytest

from office.errors import OfficeError
from roadfade import metrics
from roadfade.processes.office.attempts import Attempts

LOGGER = logging.getLogger("tests.attempts")


async def fine() -> None:
    pass


async def refused() -> None:
    msg = "there is no keyring"
    raise OfficeError(msg)


async def broken() -> None:
    msg = "person-9"
    raise KeyError(msg)


async def test_a_failure_is_said_once_though_another_step_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempt = Attempts(LOGGER)
    before = metrics.ERASURE_FAILURES.labels("events")._value.get()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not await attempt("events", refused)
            assert await attempt("requests", fine)
    assert [one.getMessage() for one in caplog.records] == [
        "events could not be dealt with, and will be tried again: there is no keyring"
    ]
    assert metrics.ERASURE_FAILURES.labels("events")._value.get() - before == 3
    caplog.clear()
    assert await attempt("events", fine)
    assert not await attempt("events", refused)
    assert len(caplog.records) == 1


async def test_what_others_say_of_a_failure_is_not_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not await Attempts(LOGGER)("requests", broken)
    assert "person-9" not in caplog.text
    assert "KeyError" in caplog.text
