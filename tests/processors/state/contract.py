"""What every implementation of ``TimeState`` must do: subclass, and give ``in_room``."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.state.port import Answer, RoomPort, TimeState

PASSES, USED, NOT_REBUILT = Answer.PASSES, Answer.USED, Answer.NOT_REBUILT
LIVES_MS = (1_000, 3_000)
WINDOW_MS = 2_000
LONGEST_MS = max(*LIVES_MS, WINDOW_MS)

Record = tuple[int, str, int, list[int]]
"""Append time, device, rule, bins; as many readings as bins for a counter."""
RECORDS = st.lists(
    st.tuples(
        st.integers(0, 12_000),
        st.sampled_from(["a", "b"]),
        st.sampled_from([0, 1]),
        st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True),
    ),
    max_size=40,
)

OF_ALL = settings(suppress_health_check=[HealthCheck.differing_executors])
"""Each implementation runs the contract in a class of its own; examples of one suit the other."""


def feed(state: TimeState, records: Sequence[Record]) -> list[Any]:
    """The answers to records, both for bins and for counters."""
    return [
        (
            list(state.first_in_bin(device, rule, bins, append_ms)),
            state.counted(device, rule, len(bins), append_ms),
        )
        for append_ms, device, rule, bins in records
    ]


def by_the_book(records: Sequence[Record]) -> list[Any]:
    """The same from the definition, which looks at the whole log each time."""
    log: list[Record] = []
    found: list[Any] = []
    for append_ms, device, rule, bins in records:
        at_ms = max([append_ms, *(one[0] for one in log)])
        mine = [one for one in log if (one[1], one[2]) == (device, rule)]
        living = {n for one in mine if one[0] >= at_ms - LIVES_MS[rule] for n in one[3]}
        window = [one for one in mine if one[0] // WINDOW_MS == at_ms // WINDOW_MS]
        answers = [USED if number in living else PASSES for number in bins]
        found.append((answers, sum(len(one[3]) for one in window)))
        log.append((at_ms, device, rule, bins))
    return found


class StateContract:
    """``in_room(bins_max)`` gives an empty state with ``LIVES_MS`` and ``WINDOW_MS`` in a room."""

    def in_room(self, bins_max: int) -> tuple[RoomPort, TimeState]:
        raise NotImplementedError

    def make(self, bins_max: int = 1_000) -> TimeState:
        return self.in_room(bins_max)[1]

    def test_what_has_no_room_is_counted_once_however_often_it_is_done(self) -> None:
        room, state = self.in_room(1)
        state.first_in_bin("a", 0, [1, 2], 1_000)
        mark = state.mark()
        for _ in range(2):
            state.first_in_bin("a", 0, [3, 4], 1_000)
            state.counted("a", 0, 5, 1_000)
            state.roll_back(mark)
        assert room.take_refused() == 0
        state.adopt()
        assert (room.take_refused(), room.take_refused()) == (1, 0)
        state.first_in_bin("a", 0, [3], 1_000)
        state.discard()
        state.adopt()
        assert room.take_refused() == 0

    def test_the_first_record_in_a_bin_passes_and_no_other_while_it_lives(self) -> None:
        state = self.make()
        assert list(state.first_in_bin("a", 0, [7, 8], 1_000)) == [PASSES, PASSES]
        assert list(state.first_in_bin("a", 0, [8, 9], 2_000)) == [USED, PASSES]
        assert list(state.first_in_bin("a", 0, [7], 2_001)) == [PASSES]

    def test_a_record_that_asks_nothing_is_the_latest_too(self) -> None:
        """What is rebuilt goes on from the latest of all records: so must what was never lost."""
        state = self.make()
        state.first_in_bin("a", 0, [7], 1_000)
        mark = state.mark()
        for _ in range(2):
            state.arrive(2_500)
            assert list(state.first_in_bin("a", 0, [7], 1_900)) == [PASSES]
            state.roll_back(mark)
        assert list(state.first_in_bin("a", 0, [7], 1_900)) == [USED]

    def test_each_reading_lets_its_bin_live_longer(self) -> None:
        state = self.make()
        for at_ms in (0, 1_000, 2_000):
            state.first_in_bin("a", 0, [7], at_ms)
        assert list(state.first_in_bin("a", 0, [7], 3_000)) == [USED]

    def test_devices_and_rules_are_apart(self) -> None:
        state = self.make()
        state.first_in_bin("a", 0, [7], 1_000)
        assert list(state.first_in_bin("b", 0, [7], 1_000)) == [PASSES]
        assert list(state.first_in_bin("a", 1, [7], 1_000)) == [PASSES]

    def test_append_time_never_runs_backwards(self) -> None:
        state = self.make()
        state.first_in_bin("a", 0, [1], 5_000)
        state.first_in_bin("a", 0, [2], 100)
        assert list(state.first_in_bin("a", 0, [2], 6_000)) == [USED]

    def test_a_counter_counts_over_records_and_begins_with_each_window(self) -> None:
        state = self.make()
        counts = [state.counted("a", 1, 3, at_ms) for at_ms in (2_000, 2_100, 3_999, 4_000)]
        assert counts == [0, 3, 6, 0]

    @OF_ALL
    @given(RECORDS)
    def test_it_answers_by_the_book(self, records: list[Record]) -> None:
        assert feed(self.make(), records) == by_the_book(records)

    @OF_ALL
    @given(RECORDS, st.lists(st.booleans(), min_size=40, max_size=40))
    def test_adopting_now_and_then_changes_no_answer(
        self, records: list[Record], adopting: list[bool]
    ) -> None:
        state, found = self.make(), []
        for record, adopts in zip(records, adopting, strict=False):
            found += feed(state, [record])
            if adopts:
                state.adopt()
        assert found == by_the_book(records)

    @OF_ALL
    @given(RECORDS, RECORDS, RECORDS)
    def test_what_is_rolled_back_was_never_there(
        self, before: list[Record], undone: list[Record], after: list[Record]
    ) -> None:
        state = self.make()
        feed(state, before)
        mark, living = state.mark(), state.living()
        feed(state, undone)
        state.roll_back(mark)
        assert state.living() == living
        assert feed(state, after) == by_the_book([*before, *after])[len(before) :]
        state.discard()
        assert not state.living()

    @OF_ALL
    @given(RECORDS, RECORDS, RECORDS)
    def test_a_draft_is_thrown_away_as_a_whole(
        self, before: list[Record], undone: list[Record], after: list[Record]
    ) -> None:
        state = self.make()
        feed(state, before)
        state.adopt()
        feed(state, undone)
        state.discard()
        assert feed(state, after) == by_the_book([*before, *after])[len(before) :]

    @OF_ALL
    @given(RECORDS, RECORDS)
    def test_what_is_rebuilt_from_one_life_back_answers_as_what_was(
        self, before: list[Record], after: list[Record]
    ) -> None:
        was, rebuilt = self.make(), self.make()
        feed(was, before)
        was.adopt()
        last_ms = max((one[0] for one in before), default=0)
        from_ms = min(last_ms - LONGEST_MS, last_ms // WINDOW_MS * WINDOW_MS)
        # As a broker finds the place: the first record that is dated so late.
        first = next((n for n, one in enumerate(before) if one[0] >= from_ms), len(before))
        feed(rebuilt, before[first:])
        rebuilt.reach(last_ms)
        assert rebuilt.living() == was.living()
        assert feed(rebuilt, after) == feed(was, after)

    def test_what_was_lost_counts_as_used_for_as_long_as_it_would_have_lived(self) -> None:
        state = self.make()
        state.lose(5_000)
        assert list(state.first_in_bin("a", 0, [1], 5_500)) == [NOT_REBUILT]
        assert list(state.first_in_bin("a", 0, [1, 2], 6_000)) == [USED, NOT_REBUILT]
        assert list(state.first_in_bin("a", 0, [2, 3], 6_001)) == [USED, PASSES]
        assert list(state.first_in_bin("a", 1, [3], 8_000)) == [NOT_REBUILT]
        assert list(state.first_in_bin("a", 1, [4], 8_001)) == [PASSES]

    def test_a_window_of_which_a_part_was_lost_counts_nothing(self) -> None:
        state = self.make()
        state.lose(4_100)
        counts = [state.counted("a", 1, 3, at_ms) for at_ms in (4_200, 5_999, 6_000)]
        assert counts == [None, None, 0]

    def test_beyond_its_room_new_bins_count_as_used_and_old_ones_make_room(self) -> None:
        state = self.make(bins_max=2)
        assert list(state.first_in_bin("a", 0, [1, 2, 3], 1_000)) == [PASSES, PASSES, NOT_REBUILT]
        assert state.counted("a", 1, 1, 1_000) is None
        state.adopt()
        assert list(state.first_in_bin("a", 0, [1, 3], 1_500)) == [USED, NOT_REBUILT]
        state.reach(9_000)
        assert list(state.first_in_bin("b", 0, [3], 9_000)) == [PASSES]
        assert state.counted("a", 1, 1, 9_000) == 0
        state.discard()
        assert list(state.first_in_bin("b", 0, [3, 4], 9_000)) == [PASSES, PASSES]

    def test_a_draft_that_is_thrown_away_gives_its_room_back(self) -> None:
        state = self.make(bins_max=2)
        mark = state.mark()
        state.first_in_bin("a", 0, [1], 1_000)
        state.counted("a", 1, 1, 1_000)
        state.roll_back(mark)
        assert list(state.first_in_bin("a", 0, [2, 3], 1_000)) == [PASSES, PASSES]
