"""Figures in different rooms that only hold together."""

from bus.view import SILENCE_MS_MAX
from policy.artefacts.topics import COMPACTION_LAG_MS_MAX, TOMBSTONE_MS


def test_a_deletion_can_be_read_for_longer_than_any_view_may_be_silent() -> None:
    # The view notices its silence with the next record, and heartbeats come within a minute.
    assert TOMBSTONE_MS > SILENCE_MS_MAX + COMPACTION_LAG_MS_MAX
