"""What every sink must do when a new version of the policy gives rows another end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sinks.port.results import Restated
from telemetry.instants import DAY_MS
from telemetry.kept import End, Kept
from tests.sinks.contract import Restart
from tests.sinks.records import (
    CODES,
    EXPIRES_MS,
    NEW_VERSION,
    NOW_MS,
    OLD_VERSION,
    OUTPUT_A,
    SPEED,
    A,
    B,
    record,
    whose,
)

SOONER_MS, LATER_MS = EXPIRES_MS - 10 * DAY_MS, EXPIRES_MS + 10 * DAY_MS


@dataclass
class FixedEnds:
    """The ends of rows by column; all others keep theirs."""

    by_signal: Mapping[str, int | None] = field(default_factory=dict)
    policy_version: str = NEW_VERSION
    number: int = 2
    asked: list[Kept] = field(default_factory=list)

    def end_of(self, rows: Kept) -> End | None:
        self.asked.append(rows)
        end_ms = self.by_signal.get(rows.signal, rows.expires_ms)
        if end_ms is None:
            return None
        return End(end_ms, rows.decided_by if end_ms == rows.expires_ms else self.number)


class OldEnds(FixedEnds):
    """Ends of the old version's rows alone, as a policy sets them."""

    def end_of(self, rows: Kept) -> End | None:
        if rows.policy_version == self.policy_version:
            return End(rows.expires_ms, rows.decided_by)
        return super().end_of(rows)


class RestateContract:
    def test_a_row_whose_period_was_shortened_expires_sooner(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        done = sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        assert (dict(done.moved), dict(done.removed)) == ({"service_improve": 2}, {})
        assert sink.expire(SOONER_MS - 1).rows == 0
        assert restart().expire(SOONER_MS).rows == 2

    def test_a_row_that_may_not_stay_is_gone_at_once(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, dtc=["P0301"]), record(0, B)], NOW_MS)
        done = sink.restate(FixedEnds({SPEED: 0}), NOW_MS)
        assert dict(done.removed) == {"service_improve": 2, "third_party.insurer": 2}
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 1

    def test_a_row_lives_longer_only_if_its_new_end_is_later(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        sink.restate(FixedEnds({SPEED: LATER_MS}), NOW_MS)
        assert sink.expire(EXPIRES_MS).rows == 0
        assert sink.expire(LATER_MS).rows == 2

    def test_columns_of_one_record_may_end_apart(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, dtc=["P0301", "P0420"])], NOW_MS)
        done = sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        assert dict(done.moved) == {"service_improve": 2}
        assert [sink.expire(at).rows for at in (SOONER_MS, EXPIRES_MS)] == [2, 2]

    def test_restating_again_changes_nothing(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        ends = FixedEnds({SPEED: SOONER_MS})
        sink.restate(ends, NOW_MS)
        assert restart().restate(ends, NOW_MS) == Restated()

    def test_who_gave_rows_their_end_is_remembered(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, dtc=["P0301"])], NOW_MS)
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        again = FixedEnds(policy_version="3-0123456789ab")
        restart().restate(again, NOW_MS)
        decided = {kept.signal: kept.decided_by for kept in again.asked}
        assert decided == {SPEED: 2, CODES: 0}
        assert {kept.policy_version for kept in again.asked} == {OLD_VERSION}

    def test_a_row_of_the_version_in_force_stays_as_it_is(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, policy_version=NEW_VERSION)], NOW_MS)
        assert sink.restate(FixedEnds(), NOW_MS) == Restated()
        assert sink.expire(EXPIRES_MS).rows == 2

    def test_rows_of_an_unknown_version_keep_their_end_and_are_counted(
        self, restart: Restart
    ) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        done = sink.restate(FixedEnds({SPEED: None}), NOW_MS)
        assert (done.unjudged, dict(done.moved), dict(done.removed)) == (2, {}, {})
        assert sink.expire(EXPIRES_MS).rows == 2

    def test_rows_of_both_versions_in_one_batch_are_told_apart(self, restart: Restart) -> None:
        sink = restart()
        new = record(1, pseudonym="NEW", policy_version=NEW_VERSION)
        sink.write([record(0, pseudonym="OLD"), new], NOW_MS)
        done = sink.restate(OldEnds({SPEED: 0}), NOW_MS)
        assert dict(done.removed) == {"service_improve": 2}
        assert sink.locate(OUTPUT_A, whose("NEW")).rows == 2

    def test_a_restated_row_is_found_by_an_erasure(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        receipt = sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        assert (receipt.located_before, receipt.located_after) == (2, 0)

    def test_what_comes_again_after_a_restatement_is_known(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, ce_id="same")], NOW_MS)
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        assert restart().write([record(1, ce_id="same")], NOW_MS).duplicates == 1

    def test_ends_are_asked_by_output_signal_and_expiry(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, A)], NOW_MS)
        ends = FixedEnds()
        sink.restate(ends, NOW_MS)
        assert {(kept.output, kept.signal, kept.expires_ms) for kept in ends.asked} == {
            ("service_improve", SPEED, EXPIRES_MS)
        }
