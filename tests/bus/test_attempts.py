"""What a group notes beside its offsets: read back as it was written, or taken for nothing."""

import pytest

from bus.attempts import Note, read_note

NOTES = [Note(1, 0, 5), Note(2, 2**62, 2**62 + 1, 2**62 + 9)]


@pytest.mark.parametrize("note", NOTES, ids=["a batch", "a record alone"])
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
