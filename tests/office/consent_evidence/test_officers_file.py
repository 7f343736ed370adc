"""The officers' file: rows that name nobody, only for its owner, until their day."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from office.consent_evidence.officers_file import FILE, Moment, OfficersFile
from office.consent_evidence.rows import EvidenceRow, Facts, Leaving, evidence_of
from office.errors import OfficeError
from office.store.sqlite_file import create_private
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS, HOUR_MS
from tests.office.test_forgetting import bytes_of

DAY = 20_000
NOW_MS = DAY * DAY_MS + 7 * HOUR_MS
YEAR = Period(1, "years")
FACTS = Facts("CONSENTROW", "sharing", "third_party", "insurer", "sharing@1", NOW_MS - 9 * DAY_MS, NOW_MS)  # fmt: skip


def left_by(facts: Facts = FACTS, period: Period = YEAR) -> Leaving:
    left = evidence_of(facts, period, lambda number: f"opening-{number}", NOW_MS)
    assert left is not None
    return left


def test_a_row_has_days_a_fresh_number_and_the_end_of_the_policy() -> None:
    one, again = left_by(), left_by()
    assert one.row.number != again.row.number
    assert one.row == EvidenceRow(
        one.row.number, "sharing", "third_party", "insurer", "sharing@1",
        "2024-09-25", "2024-10-04", (DAY + 365) * DAY_MS, f"opening-{one.row.number}",
    )  # fmt: skip
    assert one.row.ends_ms <= NOW_MS + 365 * DAY_MS


def test_what_held_nothing_or_is_over_leaves_nothing() -> None:
    for facts in (
        FACTS._replace(from_ms=NOW_MS),
        FACTS._replace(from_ms=NOW_MS + DAY_MS),
        FACTS._replace(from_ms=0, ended_ms=NOW_MS - 366 * DAY_MS),
    ):
        assert evidence_of(facts, YEAR, str, NOW_MS) is None
    # Over within today: the day of its end counts from its beginning. 2024 has a day more.
    last = FACTS._replace(from_ms=0, ended_ms=NOW_MS - 366 * DAY_MS + HOUR_MS)
    assert evidence_of(last, YEAR, str, NOW_MS) is None
    assert evidence_of(last._replace(ended_ms=last.ended_ms + DAY_MS), YEAR, str, NOW_MS)


def test_a_row_counts_once_its_consent_has_left_and_then_nothing_leads_there(
    tmp_path: Path,
) -> None:
    file = OfficersFile.made(tmp_path / FILE)
    one = left_by()
    file.stage([one])
    assert (file.rows(NOW_MS), file.staged(), file.count()) == ([], ["CONSENTROW"], 1)
    assert b"CONSENTROW" in bytes_of(tmp_path)
    assert file.settle(["CONSENTROW"]) == 1
    file.scrub_if_needed()
    assert (file.rows(NOW_MS), file.staged()) == ([one.row], [])
    assert file.rows(NOW_MS, one.row.number) == [one.row]
    assert file.rows(NOW_MS, "another") == []
    assert b"CONSENTROW" not in bytes_of(tmp_path)
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_what_is_staged_again_is_one_row_and_what_is_to_leave_none_goes(tmp_path: Path) -> None:
    file = OfficersFile.made(tmp_path / FILE)
    file.stage([left_by()])
    again = left_by(FACTS._replace(ended_ms=NOW_MS - DAY_MS))
    file.stage([again])
    assert file.count() == 1
    file.stage([], ["CONSENTROW"])
    assert file.count() == 0
    file.stage([again])
    file.settle(["CONSENTROW"])
    assert file.rows(NOW_MS) == [again.row]


def test_a_row_ends_on_its_day_and_leaves_no_byte(tmp_path: Path) -> None:
    file = OfficersFile.made(tmp_path / FILE)
    one = left_by()
    file.stage([one])
    file.settle([one.consent])
    end_ms = one.row.ends_ms
    assert (file.over(end_ms - 1), file.expire(end_ms - 1)) == (0, 0)
    assert len(file.rows(end_ms - 1)) == 1
    assert file.rows(end_ms) == []  # nobody waits for a sweep
    assert file.over(end_ms) == 1
    assert file.expire(end_ms) == 1
    file.scrub_if_needed()
    assert one.row.number.encode() not in bytes_of(tmp_path)


def test_a_scrub_that_was_cut_is_made_up_for_and_another_deletion_is_not_forgotten(
    tmp_path: Path,
) -> None:
    file = OfficersFile.made(tmp_path / FILE)
    for name in ("FIRSTONE", "SECONDONE"):
        file.stage([left_by(FACTS._replace(consent=name))])
    file.settle(["FIRSTONE"])

    def meanwhile(moment: Moment) -> None:
        if moment is Moment.SCRUBBED:
            OfficersFile(tmp_path / FILE).settle(["SECONDONE"])

    OfficersFile(tmp_path / FILE, at=meanwhile).scrub_if_needed()
    scrubs = list[Moment]()
    OfficersFile(tmp_path / FILE, at=scrubs.append).scrub_if_needed()
    OfficersFile(tmp_path / FILE, at=scrubs.append).scrub_if_needed()
    assert scrubs == [Moment.SCRUBBED]
    assert b"SECONDONE" not in bytes_of(tmp_path)


def test_a_full_file_takes_nothing_in_and_says_so(tmp_path: Path) -> None:
    file = OfficersFile.made(tmp_path / FILE, rows_max=1)
    file.stage([left_by()])
    file.stage([left_by()])  # the same consent: no row more
    with pytest.raises(OfficeError, match="raise consent_evidence_rows_max"):
        file.stage([left_by(FACTS._replace(consent="ANOTHER"))])
    assert file.staged() == ["CONSENTROW"]


def test_a_file_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1_000)
    with pytest.raises(OfficeError, match="the evidence of consents in"):
        OfficersFile.made(tmp_path / FILE)


def test_whoever_made_it_and_was_killed_left_a_file_that_is_made_whole(tmp_path: Path) -> None:
    file = OfficersFile(tmp_path / FILE)
    assert not file.found() and not (tmp_path / FILE).exists()
    create_private(tmp_path / FILE)
    assert file.found()
    assert (file.rows(NOW_MS), file.staged(), file.count()) == ([], [], 0)


def test_rows_lie_in_the_order_of_random_numbers(tmp_path: Path) -> None:
    """Else the file would show which consents left together, and so were one person's."""
    file = OfficersFile.made(tmp_path / FILE)
    some = [left_by(FACTS._replace(consent=f"C{number}")) for number in range(20)]
    file.stage(some)
    file.settle([one.consent for one in some])
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        lying = [row[0] for row in connection.execute("SELECT * FROM evidence")]
    assert lying == sorted(lying) != [one.row.number for one in some]
