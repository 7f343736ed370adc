"""A state that flaps is said a few times and counted, and its last change is never lost."""

import logging
from collections.abc import Callable, Iterator

import pytest

from roadfade.logs.events import Event, tell
from roadfade.logs.repeats import RepeatLimit

logger = logging.getLogger("roadfade.repeats")


def fail(error: BaseException) -> None:
    raise error


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def said(self) -> list[tuple[str, int]]:
        return [(one.getMessage(), one.__dict__.get("more", 0)) for one in self.records]


class Time:
    """A clock that is set, and what waits for it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.waiting.append((self.now_s + seconds, call))

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        due = [one for one in self.waiting if one[0] <= self.now_s]
        self.waiting = [one for one in self.waiting if one[0] > self.now_s]
        for _, call in due:
            call()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def kept(time: Time) -> Kept:
    return Kept()


@pytest.fixture
def limit(kept: Kept, time: Time) -> Iterator[RepeatLimit]:
    made = RepeatLimit(kept, 2, 60.0, clock=lambda: time.now_s, later=time.later)
    logger.addHandler(made)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield made
    logger.removeHandler(made)


def test_a_few_lines_pass_and_the_rest_are_counted_in_the_last(
    limit: RepeatLimit, kept: Kept, time: Time
) -> None:
    for number in range(7):
        logger.warning("node %d is away", number)
        time.pass_s(1)
    assert kept.said() == [("node 0 is away", 0), ("node 1 is away", 0)]
    time.pass_s(60)
    assert kept.said()[2:] == [("node 6 is away", 4)]


def test_the_last_change_is_the_last_line_and_has_its_own_time(
    limit: RepeatLimit, kept: Kept, time: Time
) -> None:
    for _ in range(5):
        tell(logger, Event.RESUMED)
        time.pass_s(1)
        tell(logger, Event.PAUSED, reason="x")
        time.pass_s(1)
    last = kept.records[-1].created
    time.pass_s(60)
    assert kept.said()[2:] == [("paused", 7)]
    assert kept.records[-1].created >= last


def test_a_state_that_flaps_over_the_end_of_a_window_ends_as_it_is(
    limit: RepeatLimit, kept: Kept, time: Time
) -> None:
    for _ in range(5):
        tell(logger, Event.PAUSED, reason="x")
        time.pass_s(1)
        tell(logger, Event.RESUMED)
        time.pass_s(1)
    time.pass_s(51)
    for event in (Event.PAUSED, Event.RESUMED, Event.PAUSED):
        tell(logger, event)
        time.pass_s(0.4)
    time.pass_s(120)
    assert kept.said()[-1][0] == "paused"


def test_different_things_do_not_count_against_each_other(limit: RepeatLimit, kept: Kept) -> None:
    for about in range(1, 5):
        logger.warning("%s", f"thing {about}", extra={"about": about})
    assert len(kept.records) == 4


def test_after_a_quiet_time_everything_is_said_again(
    limit: RepeatLimit, kept: Kept, time: Time
) -> None:
    for _ in range(2):
        logger.warning("away")
        logger.warning("away")
        time.pass_s(61)
    assert kept.said() == [("away", 0)] * 4


def test_what_goes_on_is_said_again_each_window(limit: RepeatLimit, kept: Kept, time: Time) -> None:
    for _ in range(300):
        logger.warning("away")
        time.pass_s(1)
    limit.close()
    assert len(kept.records) < 20
    assert sum(more for _, more in kept.said()) + len(kept.records) == 300


def test_what_waits_is_said_at_the_end_of_the_process(
    limit: RepeatLimit, kept: Kept, time: Time
) -> None:
    for _ in range(4):
        logger.warning("away")
    limit.close()
    assert kept.said() == [("away", 0), ("away", 0), ("away", 1)]
    time.pass_s(100)
    assert len(kept.records) == 3


def test_a_line_that_waits_keeps_no_object_alive(limit: RepeatLimit, kept: Kept) -> None:
    for _ in range(3):
        try:
            fail(ValueError("4111"))
        except ValueError:
            logger.exception("it failed")
    limit.close()
    assert kept.records[-1].exc_info is None
    assert "4111" not in str(kept.records[-1].__dict__)
