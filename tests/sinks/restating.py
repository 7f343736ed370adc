"""What every sink must do when a new version of the policy gives rows another end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sinks.ports import Kept
from sinks.results import Restated
from telemetry.identity import Pseudonym
from telemetry.instants import DAY_MS
from tests.sinks.contract import Restart
from tests.sinks.records import EXPIRES_MS, NEW_VERSION, NOW_MS, SPEED, A, B, record

SOONER_MS, LATER_MS = EXPIRES_MS - 10 * DAY_MS, EXPIRES_MS + 10 * DAY_MS


@dataclass
class FixedEnds:
    """The ends of rows by column; all others keep theirs."""

    by_signal: Mapping[str, int | None] = field(default_factory=dict)
    policy_version: str = NEW_VERSION
    asked: list[Kept] = field(default_factory=list)

    def end_of(self, kept: Kept) -> tuple[int, str] | None:
        self.asked.append(kept)
        end_ms = self.by_signal.get(kept.signal, kept.expires_ms)
        if end_ms is None:
            return None
        same = end_ms == kept.expires_ms
        return end_ms, kept.policy_version if same else self.policy_version


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
        assert sink.locate([Pseudonym("PSEUDONYM")]).rows == 1

    def test_a_row_lives_longer_only_where_that_is_said(self, restart: Restart) -> None:
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
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        again = FixedEnds({SPEED: 0})
        assert restart().restate(again, NOW_MS) == Restated()
        assert again.asked == [], "a row of the version in force is not asked about"

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
        done = sink.restate(FixedEnds({SPEED: 0}), NOW_MS)
        assert dict(done.removed) == {"service_improve": 2}
        assert sink.locate([Pseudonym("NEW")]).rows == 2

    def test_a_restated_row_is_found_by_an_erasure(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0)], NOW_MS)
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        receipt = sink.erase([Pseudonym("PSEUDONYM")], NOW_MS)
        assert (receipt.located_before, receipt.located_after) == (2, 0)

    def test_what_comes_again_after_a_restatement_is_known(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, ce_id="same")], NOW_MS)
        sink.restate(FixedEnds({SPEED: SOONER_MS}), NOW_MS)
        assert restart().write([record(1, ce_id="same")], NOW_MS).duplicates == 1

    def test_who_is_asked_is_told_what_the_rows_are(self, restart: Restart) -> None:
        sink = restart()
        sink.write([record(0, A)], NOW_MS)
        ends = FixedEnds()
        sink.restate(ends, NOW_MS)
        assert {(kept.output, kept.signal, kept.expires_ms) for kept in ends.asked} == {
            ("service_improve", SPEED, EXPIRES_MS)
        }
