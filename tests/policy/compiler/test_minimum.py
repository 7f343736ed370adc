"""A statutory minimum holds, or the document does not compile; a living contract has no cap."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policy.compiler.promises import Dated, check_minimum
from policy.diff.diff import diff
from policy.language.problems import Findings
from policy.language.purpose_file import KeepFor
from policy.versions.reviews import reviews_due
from policy.versions.succession import Succession
from policy.vocabulary.periods import (
    add_period,
    coarsest_grain,
    ends_early_ms,
    expires_ms,
    least_excess_ms,
)
from policy.vocabulary.terms import Period, Where
from telemetry.instants import DAY_MS, SECOND_MS, parse_instant
from telemetry.kept import Kept
from tests.support.documents import FILES, SPEED, bent, errors, plan_of, policy_of

PAGE = "purposes/study.yaml"
KEEP = "at_most: 30 days, from: reading"
TWELVE = "at_most: 12 months, from: reading"
SPEED_KEEP = f"do: {{Vehicle.Speed: [thin 10 s, bucket 10 km/h]}}\n    keep: {{{TWELVE}"
SPEED_CELL = FILES[PAGE][FILES[PAGE].index("  C09:") : FILES[PAGE].index("  C11:")]
LAST_MS = parse_instant("2026-11-20T10:00:00Z")
EXPIRES_MS = parse_instant("2027-12-25T00:00:00Z")
"""Of a reading of that time or before, kept for 400 days."""
BOOKS = """\
  C06:
    delivery: {mode: records}
    keep: {%s, because: {ja: 税法が求めるため, en: tax law asks for it}}
    cites: [C2-08]
forbids: []
"""
HERE = Where("purposes/study.yaml", 1)
periods = st.builds(
    Period,
    st.integers(1, 400),
    st.sampled_from(["minutes", "hours", "days", "months", "years"]),
).filter(lambda period: period.unit != "years" or period.count <= 100)
instants = st.integers(parse_instant("2000-02-29T00:00:00Z"), parse_instant("2060-12-31T23:59:59Z"))


def books(keep: str) -> dict[str, str]:
    """The small document with a cell of facts kept so."""
    return bent(PAGE, "forbids: []\n", BOOKS % keep)


def keeping(keep: str) -> dict[str, str]:
    """The small document with its speed kept so."""
    return bent(PAGE, SPEED_KEEP, SPEED_KEEP.replace(TWELVE, keep))


def numbered(files: dict[str, str], number: int) -> dict[str, str]:
    return {
        **files,
        "policy.yaml": FILES["policy.yaml"].replace("version: 1", f"version: {number}"),
    }


def test_books_are_kept_at_least_seven_and_at_most_ten_years_from_the_filing_due_date() -> None:
    plan = plan_of(books("at_most: 10 years, at_least: 7 years, from: filing_due"))
    (cell,) = [cell for cell in plan.cells if cell.category == "C06"]
    keep = cell.retention
    assert (keep.at_least, keep.longest) == (Period(7, "years"), Period(10, "years"))
    assert (keep.trigger, keep.after_event) == ("filing_due", None)


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (
            "at_most: 7 years, at_least: 10 years, from: filing_due",
            (
                "error: the minimum is longer than the maximum (here: 10 years); write at most 7 years, "
                "or lengthen `at_most`"
            ),
        ),
        (
            "at_most: 7 years, at_least: 7 years, from: filing_due",
            (
                "error: ends are dated up to a month early, and so before the minimum (here: 7 years); "
                "lengthen `at_most`, or write a finer `grain`"
            ),
        ),
        (
            "at_most: 90 days, at_least: 30 days, from: device_retired, cap: 10 years",
            (
                "error: the cap may end a life before its minimum (here: 10 years); leave out `cap` "
                "(write `review_on` in its place), or `at_least`"
            ),
        ),
    ],
)
def test_a_minimum_that_cannot_be_held_is_refused(keep: str, said: str) -> None:
    (error,) = errors(books(keep))
    place, _, message = error.partition(" ")
    assert (place.startswith("purposes/study.yaml:27:"), message) == (True, said)


def test_a_minimum_of_readings_counts_from_the_reading() -> None:
    assert errors(keeping("at_most: 400 days, at_least: 30 days, from: reading")) == []
    (error,) = errors(keeping("at_most: 400 days, at_least: 30 days, from: trip_end"))
    assert "a reading's life may end before a minimum that counts from another event" in error


def test_what_a_version_closes_stays_until_its_minimum_has_passed() -> None:
    """And no longer; what has no minimum ends at once, and one that a version lifts is lifted."""
    kept = keeping("at_most: 400 days, at_least: 30 days, from: reading")
    lifted = keeping("at_most: 400 days, from: reading")
    closed = bent(PAGE, SPEED_CELL, "")
    rows = Kept("study", "", SPEED, EXPIRES_MS, 0, LAST_MS)

    def end_under(*versions: dict[str, str]) -> int:
        made = [policy_of(numbered(files, n)) for n, files in enumerate(versions, start=1)]
        mine = rows._replace(policy_version=made[0].plan.policy_version)
        end = Succession(made).end_of(mine)
        assert end is not None
        return end.expires_ms

    assert end_under(kept, closed) == LAST_MS + SECOND_MS + 30 * DAY_MS
    assert end_under(kept, closed, closed) == end_under(kept, closed)
    assert end_under(kept, lifted, closed) == 0
    assert end_under(lifted, closed) == 0
    assert end_under(lifted, kept, closed) == LAST_MS + SECOND_MS + 30 * DAY_MS
    assert end_under(kept, kept) == EXPIRES_MS


@given(keep=st.tuples(periods, periods), floor_ms=st.sampled_from([0, 1_000, 600_000, 86_400_000]))
def test_what_compiles_reaches_its_minimum_whenever_it_begins(
    keep: tuple[Period, Period], floor_ms: int
) -> None:
    at_most, at_least = keep
    grain = coarsest_grain(at_most)
    findings = Findings()
    made = KeepFor.model_construct(
        at_most=at_most, at_least=at_least, trigger="reading", cap=None, grain=None
    )
    check_minimum(made, Dated(grain, floor_ms, readings=True), HERE, findings)
    assume(not findings.refused)
    for text in ("2026-01-31T23:59:59.999Z", "2024-02-29T12:00:00Z", "2027-12-31T00:00:30Z"):
        read_ms = parse_instant(text)
        started_ms = read_ms // floor_ms * floor_ms if floor_ms else read_ms
        end_ms = expires_ms(started_ms, started_ms, at_most, grain)
        assert end_ms >= add_period(read_ms, at_least)


@given(longer=periods, shorter=periods, start_ms=instants)
def test_one_period_exceeds_another_by_what_is_said_at_least(
    longer: Period, shorter: Period, start_ms: int
) -> None:
    excess_ms = add_period(start_ms, longer) - add_period(start_ms, shorter)
    assert excess_ms >= least_excess_ms(longer, shorter)


@given(
    start_ms=instants, early=periods, at_least=st.none() | periods, end=periods,
)  # fmt: skip
def test_an_event_ends_a_life_no_sooner_than_its_minimum_and_no_later_than_without_it(
    start_ms: int, early: Period, at_least: Period | None, end: Period
) -> None:
    early_ms, end_ms = add_period(start_ms, early), add_period(start_ms, end)
    found_ms = ends_early_ms(early_ms, start_ms, at_least, end_ms)
    assert found_ms <= end_ms
    assert found_ms >= min(early_ms, end_ms)
    if at_least is not None:
        assert found_ms >= min(end_ms, add_period(start_ms, at_least))
    assert found_ms in (
        early_ms, end_ms, start_ms if at_least is None else add_period(start_ms, at_least)
    )  # fmt: skip


def test_a_minimum_that_is_new_or_longer_needs_a_decision_and_one_that_goes_is_said() -> None:
    ten = "at_most: 10 years, at_least: {} years, from: filing_due"
    five, seven = policy_of(books(ten.format(5))), policy_of(books(ten.format(7)))
    without = policy_of(books("at_most: 10 years, from: filing_due"))
    sentence = "study keeps vehicle_class at least {}: {}"
    for old, new, said, kind in (
        (five, seven, "7 years (was 5 years)", "LENGTHENS, NEEDS_DECISION"),
        (seven, five, "5 years (was 7 years)", "SHORTENS"),
        (without, seven, "7 years (was no time)", "LENGTHENS, NEEDS_DECISION"),
        (seven, without, "no time (was 7 years)", "SHORTENS"),
    ):
        (change,) = diff(old, new).changes
        assert change.sentence == sentence.format(said, kind)


def test_a_contract_that_goes_on_is_ended_by_no_cap() -> None:
    (error,) = errors(books("at_most: 90 days, from: contract_end, cap: 10 years"))
    assert "a cap would end what a contract that goes on is carried out with" in error
    assert "write `review_on: 2027-10-01` in place of `cap`" in error
    (error,) = errors(books("at_most: 90 days, from: contract_end"))
    assert error.endswith("add `review_on: 2027-10-01`, the day on which people look at it")
    plan = plan_of(books("at_most: 90 days, from: contract_end, review_on: 2027-10-01"))
    (cell,) = [cell for cell in plan.cells if cell.category == "C06"]
    assert (cell.retention.longest, cell.retention.review_on) == (None, "2027-10-01")


def test_readings_keep_their_cap_since_they_end_whether_a_contract_does_or_not() -> None:
    capped = bent(PAGE, KEEP, "at_most: 30 days, from: contract_end, cap: 400 days")
    assert errors(capped) == []
    reviewed = bent(PAGE, KEEP, "at_most: 30 days, from: contract_end, review_on: 2027-10-01")
    (error,) = errors(reviewed)
    assert error.endswith("add `cap: 400 days`, counted from the reading")


def test_a_cap_that_becomes_a_review_lengthens_and_a_later_review_loosens() -> None:
    from_device = "at_most: 90 days, from: device_retired, {}"
    capped = policy_of(books(from_device.format("cap: 10 years")))
    first = policy_of(books(from_device.format("review_on: 2027-10-01")))
    later = policy_of(books(from_device.format("review_on: 2028-10-01")))
    said = [change.sentence for change in diff(capped, first).changes]
    assert said == [
        (
            "study may now keep vehicle_class until device_retired (was 10 years): "
            "LENGTHENS, NEEDS_DECISION"
        ),
        "study keeps vehicle_class reviewed on 2027-10-01 (was no day): TIGHTENS",
        "study keeps vehicle_class to the day (was month): LENGTHENS, NEEDS_DECISION",
    ]
    (change,) = diff(first, later).changes
    assert change.sentence == (
        "study keeps vehicle_class reviewed on 2028-10-01 (was 2027-10-01): LOOSENS, NEEDS_DECISION"
    )


def test_a_review_warns_from_the_beginning_of_its_day_and_ends_nothing() -> None:
    files = books("at_most: 90 days, from: contract_end, review_on: 2027-10-01")
    policy = policy_of(files)
    due_ms = parse_instant("2027-09-30T15:00:00Z")
    assert reviews_due(policy.document, due_ms - 1) == ()
    (warning,) = reviews_due(policy.document, due_ms)
    assert str(warning).startswith(
        "purposes/study.yaml:27:61: warning: the review of how long `study` keeps C06 is due "
        "(here: 2027-10-01); look whether it still holds"
    )
    assert errors(files) == []
