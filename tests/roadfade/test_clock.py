"""A deletion waits an hour for a clock that others contradict, and never for who is silent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadfade.clock import DELAY_MS_MAX, DISAGREES_MS, Answer, DeletionClock, Judgement, judge
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS

NOW_MS = 1_800_000_000_000
SOURCES = ("the broker", "the office", "the time since this process began")
AGREED = Judgement(NOW_MS, NOW_MS)


def everyone(**moved: int) -> dict[str, Answer]:
    return {source: Answer(NOW_MS + moved.get(source, 0), 0) for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_behind_delays_a_deletion_by_an_hour_at_most(source: str) -> None:
    answers = everyone() | {source: Answer(NOW_MS - 2 * DAY_MS, 0)}
    early = judge(NOW_MS, answers, DELAY_MS_MAX - 1)
    assert (early.now_ms, [*early.ahead_of]) == (NOW_MS - 2 * DAY_MS, [source])
    late = judge(NOW_MS, answers, DELAY_MS_MAX)
    # It decides, and what the others say is still told.
    assert (late.now_ms, late.ahead_ms) == (NOW_MS, 2 * DAY_MS)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_ahead_deletes_nothing_earlier_and_is_told(source: str) -> None:
    answers = everyone() | {source: Answer(NOW_MS + 2 * DAY_MS, 0)}
    judged = judge(NOW_MS, answers, 0)
    assert (judged.now_ms, judged.ahead_of, [*judged.behind]) == (NOW_MS, {}, [source])
    # What is overdue must not look as if it were not, by the clock that is wrong.
    assert (judged.behind_ms, judged.measure_ms) == (2 * DAY_MS, NOW_MS + 2 * DAY_MS)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("age_ms", [DISAGREES_MS, DAY_MS, -1])
def test_an_old_answer_has_no_vote(source: str, age_ms: int) -> None:
    answers = everyone() | {source: Answer(NOW_MS - 2 * DAY_MS, age_ms)}
    assert judge(NOW_MS, answers, 0) == AGREED


@pytest.mark.parametrize("age_ms", [0, DAY_MS])
def test_a_lower_bound_delays_nothing_and_tells_of_a_clock_behind(age_ms: int) -> None:
    long_ago = Answer(NOW_MS - 3 * DAY_MS, age_ms, live=False)
    assert judge(NOW_MS, {"the office": long_ago}, 0) == AGREED
    later = Answer(NOW_MS + HOUR_MS, age_ms, live=False)
    assert judge(NOW_MS, {"the office": later}, 0).behind_ms == HOUR_MS + age_ms


def test_a_deletion_waits_for_nobody() -> None:
    assert judge(NOW_MS, {}, 0) == AGREED


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
    assert clock.now() == Judgement(NOW_MS + HOUR_MS, hands.wall_ms)
    hands.wall_ms += 2 * DAY_MS
    assert clock.now().now_ms == NOW_MS + HOUR_MS
    assert [*clock.now().ahead_of] == [DeletionClock.RECKONED]
    hands.pass_ms(DELAY_MS_MAX)
    assert clock.now().now_ms == hands.wall_ms


def test_a_second_jump_is_held_against_what_the_first_came_to(
    hands: Hands, clock: DeletionClock
) -> None:
    hands.wall_ms += 2 * DAY_MS
    clock.now()
    hands.pass_ms(DELAY_MS_MAX)
    clock.now()
    assert clock.now() == Judgement(hands.wall_ms, hands.wall_ms)
    hands.wall_ms += 2 * DAY_MS
    assert clock.now().now_ms == hands.wall_ms - 2 * DAY_MS


def test_a_clock_put_right_again_decides_at_once(hands: Hands, clock: DeletionClock) -> None:
    hands.wall_ms += 2 * DAY_MS
    assert clock.now().ahead_of
    hands.wall_ms -= 2 * DAY_MS
    assert clock.now() == AGREED


def test_time_that_passes_is_no_jump(hands: Hands, clock: DeletionClock) -> None:
    for _ in range(100):
        hands.pass_ms(DAY_MS)
        assert clock.now() == Judgement(hands.wall_ms, hands.wall_ms)


def test_a_clock_set_back_decides_by_what_it_says_and_is_told(
    hands: Hands, clock: DeletionClock
) -> None:
    hands.wall_ms -= 2 * DAY_MS
    judged = clock.now()
    assert (judged.now_ms, [*judged.behind]) == (hands.wall_ms, [DeletionClock.RECKONED])
    assert clock.now() == Judgement(hands.wall_ms, hands.wall_ms)


answers = st.dictionaries(
    st.sampled_from(SOURCES[:2]),
    st.builds(
        lambda off_ms, age_ms, live: (off_ms, Answer(0, age_ms, live)),
        st.sampled_from([0, -HOUR_MS, HOUR_MS, -2 * DAY_MS, 2 * DAY_MS, -(10**15), 10**15]),
        st.sampled_from([0, 1_000, DISAGREES_MS, DAY_MS, -1]),
        st.booleans(),
    ),
)
turns = st.lists(
    st.tuples(
        st.integers(1, 20 * MINUTE_MS),
        st.sampled_from([0, 0, 0, MINUTE_MS, -MINUTE_MS, 2 * DAY_MS, -2 * DAY_MS]),
        answers,
    ),
    min_size=1,
    max_size=60,
)


@given(turns=turns, disputed_from_ms=st.none() | st.just(5_000))
def test_whatever_anybody_says_no_deletion_waits_longer_than_an_hour(
    turns: list[tuple[int, int, dict[str, tuple[int, Answer]]]], disputed_from_ms: int | None
) -> None:
    hands = Hands()
    clock = DeletionClock(lambda: hands.wall_ms, lambda: hands.boot_ms, disputed_from_ms)
    decided_ms = hands.boot_ms
    for passed_ms, jump_ms, said in turns:
        hands.pass_ms(passed_ms)
        hands.wall_ms += jump_ms
        heard = {
            source: Answer(hands.wall_ms + off_ms - one.age_ms, one.age_ms, one.live)
            for source, (off_ms, one) in said.items()
        }
        judged = clock.now(heard)
        assert judged.now_ms <= hands.wall_ms
        if judged.now_ms == hands.wall_ms:
            # All that is due by the own clock goes now.
            decided_ms = hands.boot_ms
        # Turns are up to 20 minutes apart here, and an hour is counted from one to another.
        assert hands.boot_ms - decided_ms < DELAY_MS_MAX + 20 * MINUTE_MS


@given(
    turns=st.lists(st.integers(1, 10 * MINUTE_MS), min_size=1, max_size=100),
    source=st.sampled_from(SOURCES[:2]),
)
def test_a_clock_ahead_deletes_nothing_live_for_an_hour_if_one_says_so(
    turns: list[int], source: str
) -> None:
    hands = Hands()
    true_ms = hands.wall_ms
    hands.wall_ms += 2 * DAY_MS
    clock = DeletionClock(lambda: hands.wall_ms, lambda: hands.boot_ms)
    clock.now({source: Answer(true_ms, 0)})
    began_ms = hands.boot_ms
    for passed_ms in turns:
        hands.pass_ms(passed_ms)
        true_ms += passed_ms
        judged = clock.now({source: Answer(true_ms - 500, 500)})
        if hands.boot_ms - began_ms < DELAY_MS_MAX:
            assert judged.now_ms <= true_ms
        else:
            assert judged.now_ms == hands.wall_ms
