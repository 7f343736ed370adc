"""A deletion waits an hour for a clock that others contradict, and never for who is silent."""

import pytest

from roadfade.clock import DELAY_MS_MAX, DISAGREES_MS, Answer, DeletionClock, judge
from telemetry.instants import DAY_MS, HOUR_MS

NOW_MS = 1_800_000_000_000
SOURCES = ("broker", "office", "the time since this process began")


def everyone(**moved: int) -> dict[str, Answer]:
    return {source: Answer(NOW_MS + moved.get(source, 0), 0) for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_behind_delays_a_deletion_by_an_hour_at_most(source: str) -> None:
    answers = everyone() | {source: Answer(NOW_MS - 2 * DAY_MS, 0)}
    early = judge(NOW_MS, answers, DELAY_MS_MAX - 1)
    assert (early.now_ms, early.ahead_of) == (NOW_MS - 2 * DAY_MS, (source,))
    late = judge(NOW_MS, answers, DELAY_MS_MAX)
    assert (late.now_ms, late.ahead_of) == (NOW_MS, (source,))


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_ahead_deletes_nothing_earlier(source: str) -> None:
    answers = everyone() | {source: Answer(NOW_MS + 2 * DAY_MS, 0)}
    assert judge(NOW_MS, answers, 0) == (NOW_MS, ())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("age_ms", [DISAGREES_MS, DAY_MS, -1])
def test_an_old_answer_has_no_vote(source: str, age_ms: int) -> None:
    answers = everyone() | {source: Answer(NOW_MS - 2 * DAY_MS, age_ms)}
    assert judge(NOW_MS, answers, 0) == (NOW_MS, ())


def test_a_deletion_waits_for_nobody() -> None:
    assert judge(NOW_MS, {}, 0) == (NOW_MS, ())


class Hands:
    """Two clocks that a test moves."""

    wall_ms, boot_ms = NOW_MS, 5_000

    def pass_ms(self, much_ms: int) -> None:
        self.wall_ms += much_ms
        self.boot_ms += much_ms


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> DeletionClock:
    return DeletionClock(lambda: hands.wall_ms, lambda: hands.boot_ms)


def test_a_clock_that_jumps_ahead_deletes_an_hour_later(hands: Hands, clock: DeletionClock) -> None:
    hands.pass_ms(HOUR_MS)
    assert clock.now() == (NOW_MS + HOUR_MS, ())
    hands.wall_ms += 2 * DAY_MS
    assert clock.now() == (NOW_MS + HOUR_MS, (DeletionClock.RECKONED,))
    hands.pass_ms(DELAY_MS_MAX)
    assert clock.now().now_ms == hands.wall_ms


def test_a_clock_put_right_again_decides_at_once(hands: Hands, clock: DeletionClock) -> None:
    hands.wall_ms += 2 * DAY_MS
    assert clock.now().ahead_of
    hands.wall_ms -= 2 * DAY_MS
    assert clock.now() == (NOW_MS, ())


def test_time_that_passes_is_no_jump(hands: Hands, clock: DeletionClock) -> None:
    for _ in range(100):
        hands.pass_ms(DAY_MS)
        assert clock.now() == (hands.wall_ms, ())


def test_a_clock_set_back_decides_by_what_it_says(hands: Hands, clock: DeletionClock) -> None:
    hands.wall_ms -= 2 * DAY_MS
    assert clock.now() == (hands.wall_ms, ())
