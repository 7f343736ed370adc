"""What a group notes beside its offsets is read as it was written, and leads to the culprit."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bus.loops.attempts import ATTEMPTS_MAX, Attempts, Note, read_note
from bus.memory.cluster import Stored
from bus.ports import Committed, ConsumedRecord, TopicPartition

NOTES = [Note(1, 0, 5), Note(2, 2**62, 2**62 + 1, 2**62 + 9), Note(1, 0, 10, 500, 10)]


@pytest.mark.parametrize("note", NOTES, ids=["a batch", "a record alone", "a part"])
def test_a_note_is_read_as_it_was_written(note: Note) -> None:
    assert read_note(note.encode()) == note


def test_a_field_of_a_later_version_is_left_unread() -> None:
    assert read_note("v1;attempts=1;from=0;topic_id=9;to=5;x=;") == Note(1, 0, 5)


@pytest.mark.parametrize(
    "text",
    ["", "v2;attempts=1;from=0;to=5", "v1", "v1;attempts=-1;from=0;to=5", "v1;attempts=1;from=0",
     "v1;attempts=1;from=0;to=" + "9" * 40, "somebody's own", "\ud800;" * 2_000],
    ids=["none", "another version", "empty", "negative", "half", "too long", "foreign", "huge"],
)  # fmt: skip
def test_what_is_no_note_of_ours_says_nothing(text: str) -> None:
    assert read_note(text) is None


def record(offset: int) -> ConsumedRecord:
    return Stored(0, offset, 0, None, b"", (), 1)


class Group:
    """Processes one after the other, each of which dies at any of the deadly offsets."""

    def __init__(self, deadly: Mapping[int, set[int]], records: int) -> None:
        self.topic = [record(offset) for offset in range(records)]
        self.deadly = {TopicPartition("t", at): offsets for at, offsets in deadly.items()}
        self.noted = {at: Committed(0) for at in self.deadly}
        self.kept: list[tuple[TopicPartition, int]] = []
        self.over: list[tuple[TopicPartition, int]] = []
        self.deaths = self.batches = 0

    def unread(self) -> dict[TopicPartition, list[ConsumedRecord]]:
        left = {at: self.topic[noted.offset :] for at, noted in self.noted.items()}
        return {at: records for at, records in left.items() if records}

    def process(self) -> None:
        """Take one turn after the other with all that is unread in hand, until it dies or is done."""
        attempts = Attempts()
        for at, noted in self.noted.items():
            attempts.learn(at, noted)
        while fetched := self.unread():
            portion = attempts.portion(fetched)
            if attempts.culprit(portion):
                self.over += [(at, one.offset) for at, found in portion.items() for one in found]
            else:
                notes = attempts.to_begin(portion)
                self.noted.update(attempts.commits(notes))
                attempts.noted(notes)
                self.batches += 1
                met = [(at, one.offset) for at, found in portion.items() for one in found]
                if any(offset in self.deadly[at] for at, offset in met):
                    self.deaths += 1
                    return
                self.kept += met
            self.noted.update(attempts.to_finish(portion))
            attempts.finished(portion)


def run(deadly: Mapping[int, set[int]], records: int) -> Group:
    group = Group(deadly, records)
    while group.unread():
        group.process()
    return group


@given(
    some.dictionaries(some.integers(0, 2), some.sets(some.integers(0, 149), max_size=2), min_size=1)
)
def test_whatever_is_deadly_is_passed_over_and_nothing_else(deadly: Mapping[int, set[int]]) -> None:
    group = run(deadly, 150)
    culprits = {(TopicPartition("t", at), one) for at, found in deadly.items() for one in found}
    every = {(TopicPartition("t", at), one) for at in deadly for one in range(150)}
    assert sorted(group.over) == sorted(culprits)
    assert sorted(group.kept) == sorted(every - culprits), "each of the others once"


@pytest.mark.parametrize("culprit", [0, 4_999, 9_999])
def test_a_culprit_among_ten_thousand_is_found_within_ten_deaths(culprit: int) -> None:
    group = run({0: {culprit}}, 10_000)
    assert group.deaths <= 5 * ATTEMPTS_MAX
    assert group.batches <= 150 + group.deaths


def test_other_partitions_of_its_batch_go_whole() -> None:
    group = run({at: {17} if at == 5 else set() for at in range(18)}, 500)
    assert group.deaths <= 4 * ATTEMPTS_MAX
    assert group.batches <= 18 + 2 * 50 + group.deaths


def test_a_suspect_whose_records_are_gone_makes_no_other_partition_go_in_parts() -> None:
    attempts, gone, busy = Attempts(), TopicPartition("t", 0), TopicPartition("t", 1)
    attempts.learn(gone, Committed(0, Note(ATTEMPTS_MAX, 0, 9).encode()))
    attempts.learn(busy, Committed(0))
    assert attempts.suspects({gone: [record(0)]})
    assert not attempts.suspects({gone: [record(9)], busy: [record(0)]})
