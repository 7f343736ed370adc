"""What every sink must do, whatever it writes to. One suite; each sink subclasses it."""

from collections.abc import Callable
from typing import Protocol

import pytest
from msgspec.structs import replace

from sinks.port.results import Overdue, Unreadable
from sinks.port.sink import Sink, Store
from telemetry.instants import MINUTE_MS
from tests.sinks.records import (
    AFTER_MS,
    CODES,
    EXPIRES_MS,
    NOW_MS,
    OUTPUT_A,
    OUTPUT_B,
    T0_MS,
    A,
    B,
    record,
    whose,
)


class Both(Sink, Store, Protocol):
    """A sink with the store it writes to."""


Restart = Callable[[], Both]
"""Ends the sink before, if any, and opens one on what it left."""


class SinkContract:
    @pytest.fixture
    def restart(self) -> Restart:
        raise NotImplementedError

    def test_a_new_sink_has_no_position(self, restart: Restart) -> None:
        assert restart().position(A, 0) is None

    def test_the_position_is_the_offset_after_the_last(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(4), record(9)], NOW_MS)
        assert sink.position(A, 0) == 10
        assert sink.position(A, 1) is None

    def test_every_reading_and_trouble_code_is_a_row(self, restart: Restart) -> None:
        written = restart().write([record(0, dtc=["P0301", "P0420"])], NOW_MS)
        assert (written.records, written.rows, written.readings) == (1, 4, 2)

    def test_partitions_of_a_batch_keep_positions_of_their_own(self, restart: Restart) -> None:
        sink = restart()
        written = sink.write([record(7, A, 1), record(3, B), record(0), record(8, A, 1)], NOW_MS)
        assert written.records == 4
        positions = [sink.position(A, 1), sink.position(B, 0), sink.position(A, 0)]
        assert positions == [9, 4, 1]

    def test_a_restart_remembers_position_and_rows(self, restart: Restart) -> None:
        restart().write([record(0), record(1)], NOW_MS)
        sink = restart()
        assert sink.position(A, 0) == 2
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 4

    def test_what_is_passed_over_stays_so_after_a_restart(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0), record(1)], NOW_MS)
        sink.pass_over(A, 0, 2, NOW_MS)
        sink.pass_over(B, 1, 0, NOW_MS)
        sink = restart()
        assert (sink.position(A, 0), sink.position(B, 1)) == (3, 1)
        written = sink.write([record(2), record(3)], NOW_MS)
        assert (written.replayed, written.records) == (1, 1)

    def test_a_position_never_goes_back(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0), record(5)], NOW_MS)
        sink.pass_over(A, 0, 2, NOW_MS)
        assert sink.position(A, 0) == restart().position(A, 0) == 6

    def test_a_batch_written_again_changes_nothing(self, restart: Restart) -> None:
        batch = [record(0), record(1)]
        restart().write(batch, NOW_MS)
        sink = restart()
        written = sink.write(batch, NOW_MS)
        assert (written.replayed, written.rows) == (2, 0)
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 4

    def test_a_batch_that_reaches_back_keeps_only_what_is_new(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0), record(1)], NOW_MS)
        written = sink.write([record(1), record(2)], NOW_MS)
        assert (written.replayed, written.records) == (1, 1)
        assert sink.position(A, 0) == 3

    def test_a_duplicate_under_a_new_offset_is_dropped(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, ce_id="same")], NOW_MS)
        written = sink.write([record(1, ce_id="same"), record(2)], NOW_MS)
        assert (written.duplicates, written.records) == (1, 1)
        assert sink.position(A, 0) == 3

    def test_a_duplicate_within_a_batch_is_dropped(self, restart: Restart) -> None:
        written = restart().write([record(0, ce_id="same"), record(1, ce_id="same")], NOW_MS)
        assert (written.duplicates, written.rows) == (1, 2)

    def test_a_duplicate_after_a_restart_is_dropped(self, restart: Restart) -> None:
        restart().write([record(0, ce_id="same")], NOW_MS)
        assert restart().write([record(1, ce_id="same")], NOW_MS).duplicates == 1

    def test_a_duplicate_of_a_swept_record_does_not_come_back(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, ce_id="same")], NOW_MS)
        sink.expire(AFTER_MS)
        written = restart().write([record(1, ce_id="same")], AFTER_MS)
        assert (written.expired_on_arrival, written.rows) == (1, 0)

    def test_a_duplicate_of_an_erased_record_does_not_come_back(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, ce_id="same")], NOW_MS)
        sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        assert restart().write([record(1, ce_id="same")], NOW_MS).duplicates == 1

    def test_a_record_expired_on_arrival_leaves_only_its_count(self, restart: Restart) -> None:
        sink = restart()
        written = sink.write([record(0)], EXPIRES_MS)
        assert (written.expired_on_arrival, written.expired_readings) == (1, 2)
        assert sink.position(A, 0) == 1
        assert sink.oldest_ms() == {}

    def test_an_unreadable_record_is_counted_and_passed(self, restart: Restart) -> None:
        sink = restart()
        broken = replace(record(0), value=b"{")
        written = sink.write([broken, record(1)], NOW_MS)
        assert written.rejected == {Unreadable.MALFORMED: 1}
        assert (written.records, sink.position(A, 0)) == (1, 2)

    def test_a_batch_of_nothing_readable_moves_the_position(self, restart: Restart) -> None:
        restart().write([replace(record(5), value=None)], NOW_MS)
        assert restart().position(A, 0) == 6

    def test_expiry_takes_what_is_due_and_nothing_else(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0), record(1, expires_ms=EXPIRES_MS + MINUTE_MS)], NOW_MS)
        assert sink.expire(EXPIRES_MS - 1).rows == 0
        swept = sink.expire(EXPIRES_MS)
        assert (swept.rows, dict(swept.by_output)) == (2, {"service_improve": 2})
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 2

    def test_expiry_twice_finds_nothing_the_second_time(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        assert sink.expire(AFTER_MS).rows == 2
        assert sink.expire(AFTER_MS).rows == 0
        assert sink.position(A, 0) == 1

    def test_what_is_due_is_overdue_until_it_is_swept(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0), record(1, expires_ms=EXPIRES_MS + MINUTE_MS)], NOW_MS)
        assert sink.overdue(EXPIRES_MS - 1) == []
        assert sink.overdue(EXPIRES_MS) == [Overdue("service_improve", EXPIRES_MS, 1)]
        sink.expire(EXPIRES_MS)
        assert sink.overdue(EXPIRES_MS) == []

    def test_forgetting_ids_deletes_no_row_and_moves_no_position(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        sink.forget(AFTER_MS)
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 2
        assert restart().position(A, 0) == 1

    def test_the_outputs_that_have_rows_are_named(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, B), record(0)], NOW_MS)
        assert sink.exists()
        assert sink.outputs() == ["service_improve", "third_party.insurer"]

    def test_erasing_takes_who_is_named_from_that_output_alone(self, restart: Restart) -> None:
        sink = restart()
        ours = [record(0, pseudonym="GONE-A"), record(0, B, pseudonym="GONE-A")]
        sink.write([*ours, record(1, pseudonym="STAYS")], NOW_MS)
        gone = whose("GONE-A", "GONE-B")
        found = sink.locate(OUTPUT_A, gone)
        assert found.rows == 2
        # What removing them takes is known before; a store in memory has no files.
        assert (found.file_bytes > 0) == (found.files > 0)
        receipt = sink.erase(OUTPUT_A, gone, NOW_MS)
        assert (receipt.located_before, receipt.located_after, receipt.at_ms) == (2, 0, NOW_MS)
        assert sink.locate(OUTPUT_A, gone).rows == 0
        assert sink.locate(OUTPUT_B, gone).rows == 2
        assert sink.locate(OUTPUT_A, whose("STAYS")).rows == 2

    def test_erasing_twice_answers_that_nothing_was_left(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        receipt = sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        assert (receipt.located_before, receipt.located_after) == (0, 0)

    def test_a_receipt_names_no_subject(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        assert "PSEUDONYM" not in repr(sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS))

    def test_a_marker_is_found_until_its_subject_is_erased(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, pseudonym="CANARY-7"), record(1)], NOW_MS)
        assert sink.verify(b"CANARY-7").found
        sink.erase(OUTPUT_A, whose("CANARY-7"), NOW_MS)
        assert not sink.verify(b"CANARY-7").found
        assert sink.verify(b"PSEUDONYM").found

    def test_a_marker_is_found_until_it_expires(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, pseudonym="CANARY-7", ce_id="CANARY-7")], NOW_MS)
        assert sink.verify(b"CANARY-7").found
        sink.expire(AFTER_MS)
        assert not sink.verify(b"CANARY-7").found

    def test_the_oldest_reading_is_known_by_output(self, restart: Restart) -> None:
        sink = restart()
        older = record(1, t0_ms=T0_MS - 60_000, expires_ms=EXPIRES_MS + MINUTE_MS)
        sink.write([record(0), older, record(0, B, series={}, dtc=["P0301"])], NOW_MS)
        assert sink.oldest_ms() == {"service_improve": T0_MS - 60_000, "third_party.insurer": T0_MS}
        sink.expire(EXPIRES_MS)
        assert sink.oldest_ms() == {"service_improve": T0_MS - 60_000}

    def test_a_record_without_readings_is_kept_as_no_row(self, restart: Restart) -> None:
        sink = restart()
        written = sink.write([record(0, series={})], NOW_MS)
        assert (written.records, written.rows, sink.position(A, 0)) == (1, 0, 1)

    def test_text_and_truth_values_are_rows_too(self, restart: Restart) -> None:
        series = {"Vehicle.Door": ("", [0, 1], [True, False]), "Vehicle.Gear": ("", [0], ["R"])}
        written = restart().write([record(0, series=series, dtc=["P0301"])], NOW_MS)
        assert written.rows == 4
        assert CODES == "Vehicle.OBD.DTCList"
