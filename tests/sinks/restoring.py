"""What a copy that was put back must hold, of every store: what was there, of one moment, no more.

One suite; each sink subclasses it. A copy is opened beside the store that it is of.
"""

from collections.abc import Callable

import pytest

from sinks.port.selection import FoundRow
from telemetry.instants import DAY_MS
from tests.sinks.contract import Both, Restart
from tests.sinks.erasing import command, everything
from tests.sinks.records import (
    EXPIRES_MS,
    NOW_MS,
    OUTPUT_A,
    OUTPUT_B,
    A,
    B,
    record,
    whose,
)

PutBack = Callable[[int], Both]
"""Copies at an instant what the sink before left, puts that back elsewhere, and opens it."""
SOON_MS = EXPIRES_MS - 20 * DAY_MS
BATCH = [
    record(0, pseudonym="GONE", dtc=["P0301"]),
    record(1, pseudonym="STAYS", consent="notice@1:0123456789abcdef"),
    record(2, pseudonym="STAYS", expires_ms=SOON_MS),
    record(7, A, 1, pseudonym="STAYS"),
    record(3, B, pseudonym="STAYS"),
]


def rows(sink: Both) -> list[FoundRow]:
    """All rows of whoever there is."""
    people = ("GONE", "STAYS", "LATE")
    return [*everything(sink, *people), *everything(sink, *people, output=OUTPUT_B)]


class RestoreContract:
    @pytest.fixture
    def put_back(self) -> PutBack:
        raise NotImplementedError

    def test_what_was_copied_is_there_again(self, restart: Restart, put_back: PutBack) -> None:
        sink = restart()
        sink.write(BATCH, NOW_MS)
        before = rows(sink)
        name, places, outputs = sink.name(), dict(sink.places()), sink.outputs()

        copy = put_back(NOW_MS)

        assert rows(copy) == before
        assert len(rows(copy)) == 11
        assert (copy.name(), dict(copy.places()), copy.outputs()) == (name, places, outputs)
        assert copy.strange() == []

    def test_what_came_later_is_not_in_it_and_neither_changes_the_other(
        self, restart: Restart, put_back: PutBack
    ) -> None:
        restart().write(BATCH, NOW_MS)
        copy = put_back(NOW_MS)
        copy.write([record(3, pseudonym="STAYS")], NOW_MS)
        there = rows(copy)

        sink = restart()
        assert sink.position(A, 0) == 3
        sink.write([record(3, pseudonym="LATE")], NOW_MS)
        sink.erase(OUTPUT_A, whose("STAYS"), NOW_MS)

        assert rows(copy) == there
        assert copy.locate(OUTPUT_A, whose("LATE")).rows == 0

    def test_who_was_erased_since_is_not_there_once_that_is_said_again(
        self, restart: Restart, put_back: PutBack
    ) -> None:
        restart().write(BATCH, NOW_MS)
        copy = put_back(NOW_MS)
        sink = restart()
        sink.erase(OUTPUT_A, whose("GONE"), NOW_MS)
        after = rows(sink)

        receipt = copy.erase(OUTPUT_A, whose("GONE"), NOW_MS)

        assert (receipt.located_before, receipt.located_after) == (3, 0)
        assert rows(copy) == after
        assert copy.locate(OUTPUT_A, whose("GONE")).rows == 0
        assert copy.oldest_ms() == sink.oldest_ms()

    def test_it_goes_on_where_it_was_and_knows_its_duplicates(
        self, restart: Restart, put_back: PutBack
    ) -> None:
        restart().write(BATCH, NOW_MS)
        copy = put_back(NOW_MS)
        again = record(8, pseudonym="STAYS", ce_id=f"{A}/0/1")
        written = copy.write([*BATCH, again, record(9, pseudonym="STAYS")], NOW_MS)
        assert (written.replayed, written.duplicates, written.records) == (5, 1, 1)

    def test_before_its_first_record_a_partition_begins_at_its_beginning(
        self, restart: Restart, put_back: PutBack
    ) -> None:
        sink = restart()
        sink.write(BATCH, NOW_MS)
        assert sink.position(B, 1) is None
        copy = put_back(NOW_MS)
        assert (copy.position(A, 0), copy.position(B, 0), copy.position(B, 1)) == (3, 4, 0)

    def test_what_has_ended_by_then_goes_and_the_rest_stays(
        self, restart: Restart, put_back: PutBack
    ) -> None:
        restart().write(BATCH, NOW_MS)
        copy = put_back(SOON_MS)
        copy.expire(SOON_MS)
        assert copy.overdue(SOON_MS) == []
        assert copy.locate(OUTPUT_A, whose("STAYS")).rows == 4
        assert copy.overdue(EXPIRES_MS) != []

    def test_what_is_refused_is_refused_in_it_too(
        self, restart: Restart, put_back: PutBack
    ) -> None:
        restart().write([], NOW_MS)
        copy = put_back(NOW_MS)
        copy.refuse([command("GONE")])
        written = copy.write(BATCH, NOW_MS)
        assert (written.refused, written.records) == (1, 4)
