"""Numbers of versions that somebody made up cost a sink a bounded time."""

import pytest

from roadfade.processes.sink.late_versions import IN_VAIN_MAX, MISSING_FOR_MS, LateVersions


class Now:
    ms = 0

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def late(now: Now) -> LateVersions:
    return LateVersions(now)


def test_one_that_did_not_come_is_not_waited_for_until_it_is_forgotten(
    late: LateVersions, now: Now
) -> None:
    assert late.may_come(9)
    late.in_vain(9)
    late.begin()
    now.ms = MISSING_FOR_MS - 1
    assert not late.may_come(9)
    now.ms = MISSING_FOR_MS
    assert late.may_come(9)


def test_one_that_came_costs_no_other_its_wait(late: LateVersions) -> None:
    for number in range(10 * IN_VAIN_MAX):
        assert late.may_come(number)


def test_a_batch_waits_once(late: LateVersions) -> None:
    late.in_vain(9)
    assert not late.may_come(10)
    late.begin()
    assert late.may_come(10)


def test_numbers_made_up_without_end_cost_so_many_waits_in_that_time(
    late: LateVersions, now: Now
) -> None:
    waits = 0
    for number in range(1_000):
        late.begin()
        now.ms += MISSING_FOR_MS // 1_000
        if late.may_come(number):
            late.in_vain(number)
            waits += 1
    assert waits == IN_VAIN_MAX
