"""The times of files are a lower bound: they show a clock that is behind, and move no deletion."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.view import Beat
from roadfade import metrics
from roadfade.clock import DISAGREES_MS, Judgement
from roadfade.processes.clocks.dispute_mark import DisputeMark
from roadfade.processes.clocks.heard_clocks import HeardClocks
from roadfade.processes.clocks.judged_clock import FILES, JudgedClock
from telemetry.instants import DAY_MS, HOUR_MS, SECOND_MS
from tests.support.small_house import NOW_MS, Clock

HOUR_S = HOUR_MS / SECOND_MS


def clock_with(written_ms: int | None, own_ms: int = NOW_MS) -> JudgedClock:
    return JudgedClock(HeardClocks(), HOUR_S, lambda: own_ms, lambda: 0, written=lambda: written_ms)


def test_a_file_of_later_than_the_own_clock_is_told_and_deletes_nothing_earlier(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = clock_with(NOW_MS + 2 * DAY_MS)
    for _ in range(2):
        judged = clock.judge()
    assert (judged.now_ms, judged.ahead_of, [*judged.behind]) == (NOW_MS, {}, [FILES])
    # What is overdue must not look as if it were not.
    assert judged.measure_ms == NOW_MS + 2 * DAY_MS
    assert metrics.CLOCK_BEHIND._value.get() == 2 * DAY_MS / 1000
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("off_ms", [-400 * DAY_MS, -1, 0, DISAGREES_MS])
def test_a_file_of_before_says_nothing_and_delays_nothing(off_ms: int) -> None:
    # A store that nobody has written to for a year is as good a store.
    assert clock_with(NOW_MS + off_ms).judge() == Judgement(NOW_MS, NOW_MS)


@pytest.mark.parametrize("written_ms", [None, -1, 10**30])
def test_a_file_without_a_time_that_can_be_has_no_vote(written_ms: int | None) -> None:
    assert clock_with(written_ms).judge() == Judgement(NOW_MS, NOW_MS)


@given(
    written_ms=st.none() | st.integers(-(10**15), 10**15),
    heard_ms=st.integers(NOW_MS - 3 * DAY_MS, NOW_MS + 3 * DAY_MS),
)
def test_whatever_the_files_say_a_deletion_comes_neither_earlier_nor_later(
    written_ms: int | None, heard_ms: int
) -> None:
    judged = []
    for files_ms in (None, written_ms):
        heard = HeardClocks(lambda: 0)
        heard.take(Beat(heard_ms, heard_ms, live=False))
        heard.take(Beat(heard_ms, heard_ms, live=True))
        clock = JudgedClock(heard, HOUR_S, lambda: NOW_MS, lambda: 0, written=lambda: files_ms)  # noqa: B023  # judged here
        judged.append(clock.judge())
    without, with_files = judged
    assert (with_files.now_ms, with_files.ahead_of) == (without.now_ms, without.ahead_of)


def test_a_process_that_is_started_again_waits_for_the_rest_of_the_hour(tmp_path: Path) -> None:
    boot = Clock(HOUR_MS)
    heard = HeardClocks(boot)

    def started() -> JudgedClock:
        mark = DisputeMark(tmp_path, boot)
        return JudgedClock(heard, HOUR_S, lambda: NOW_MS + 2 * DAY_MS, boot, mark=mark)

    def judged_ms() -> int:
        clock = started()
        for live in (False, True):
            heard.take(Beat(NOW_MS, NOW_MS, live=live))
        now_ms = clock.judge().now_ms
        assert clock.keep()
        return now_ms

    for _ in range(4):
        assert judged_ms() == NOW_MS
        boot.now_ms += HOUR_MS // 4
    assert judged_ms() == NOW_MS + 2 * DAY_MS


@pytest.mark.parametrize("dispute_s_max", [0.0, 5.0])
def test_a_dispute_is_as_long_as_the_settings_let_it_be(dispute_s_max: float) -> None:
    wall, boot = Clock(), Clock(0)
    clock = JudgedClock(HeardClocks(), dispute_s_max, wall, boot)
    wall.now_ms += 2 * DAY_MS
    assert (clock.judge().now_ms == wall.now_ms) is (dispute_s_max == 0)
    boot.now_ms += int(dispute_s_max * SECOND_MS)
    assert clock.judge().now_ms == wall.now_ms
