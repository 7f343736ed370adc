"""Old rows under new versions: never longer by themselves, exactly as short as the shortest asked for."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.compiled import CompiledPolicy
from policy.versions.old_data import AT_ONCE_MS, DECIDED
from policy.versions.succession import Succession
from policy.vocabulary.periods import add_period, expires_ms, subtract_period
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS, Grain, parse_instant
from telemetry.kept import End, Kept
from telemetry.wire.record import MESH
from tests.policy.versions.lines import STUDY, bent
from tests.support.documents import FILES, SPEED, plan_of, policy_of
from tests.support.times import examples

READ_MS = parse_instant("2026-03-17T10:20:00Z")
KEPT = "12 months"


def numbered(number: int, files: Mapping[str, str]) -> Mapping[str, str]:
    text = files["policy.yaml"].replace("\nversion: 1\n", f"\nversion: {number}\n")
    assert number == 1 or text != files["policy.yaml"]
    return {**files, "policy.yaml": text}


def line(*documents: Mapping[str, str]) -> Succession:
    return Succession([policy_of(numbered(n, one)) for n, one in enumerate(documents, start=1)])


def rows(expires_ms: int, **other: Any) -> Kept:
    known: dict[str, Any] = {
        "policy_version": "1-other", "output": "study", "signal": SPEED, "decided_by": 0, "last_ms": READ_MS,
    }  # fmt: skip
    return Kept(expires_ms=expires_ms, **{**known, **other})


def end_of(succession: Succession, first_end_ms: int, path: str = SPEED) -> int | None:
    end = succession.end_of(rows(first_end_ms, signal=path))
    return None if end is None else end.expires_ms


def natural(period: Period, grain: Grain) -> int:
    return expires_ms(READ_MS, READ_MS, period, grain)


def lane_of(files: Mapping[str, str], path: str = SPEED) -> tuple[Period, Grain]:
    lanes = plan_of(files).output("study").lanes
    one = next(lane for lane in lanes if any(rule.signal == path for rule in lane.rules))
    return one.period, one.grain


FIRST = natural(*lane_of(FILES))


def shortened(period: str) -> dict[str, str]:
    return bent(KEPT, period)


def test_a_version_that_changes_nothing_leaves_every_end_as_it_is() -> None:
    assert end_of(line(FILES, FILES), FIRST) == FIRST


def test_a_shortened_period_ends_rows_when_the_new_version_would_have() -> None:
    shorter = shortened("6 months")
    assert end_of(line(FILES, shorter), FIRST) == natural(*lane_of(shorter)) < FIRST


def test_a_longer_period_alone_lengthens_nothing() -> None:
    assert end_of(line(FILES, shortened("24 months")), FIRST) == FIRST


@pytest.mark.parametrize(("decision", "longer"), [(DECIDED, True), ("applies_to_new_data", False)])
def test_old_rows_live_longer_only_by_a_recorded_decision(decision: str, longer: bool) -> None:  # noqa: FBT001  # a table of cases
    approvals = "".join(
        f"\n  - {{change: {category} 24 months (was 12), decision: {decision}, by: officer, on: 2026-11-20}}"  # one line of the document
        for category in ("C07", "C09")
    )
    decided = shortened("24 months")
    decided[STUDY] += f"\napprovals:{approvals}\n"
    found = end_of(line(FILES, decided), FIRST)
    assert found == (natural(*lane_of(decided)) if longer else FIRST)


def test_what_one_version_shortened_a_later_one_does_not_give_back() -> None:
    shorter = shortened("6 months")
    assert end_of(line(FILES, shorter, FILES), FIRST) == natural(*lane_of(shorter))


def test_judged_again_from_the_version_that_set_the_end_no_life_is_lost() -> None:
    short, long = shortened("6 months"), shortened("24 months")
    succession = line(FILES, short, long)
    end = succession.end_of(rows(FIRST))
    assert end is not None and end.decided_by == 2
    assert succession.end_of(rows(end.expires_ms, decided_by=2)) == end
    shorter = line(FILES, short, long, shortened("3 months"))
    natural_end = natural(*lane_of(shortened("3 months")))
    assert shorter.end_of(rows(end.expires_ms, decided_by=2)) == End(natural_end, 4)


def test_rows_hold_what_the_version_that_let_them_through_made_of_them() -> None:
    finer = {**shortened("6 months")}
    finer[STUDY] = finer[STUDY].replace("bucket 10 km/h", "bucket 5 km/h")
    succession = line(FILES, finer, shortened("6 months"))
    at_once = succession.end_of(rows(FIRST))
    assert at_once is not None and at_once.expires_ms > 0
    # Whether a sweep ran between the versions makes no difference.
    assert succession.end_of(rows(at_once.expires_ms, decided_by=2)) == at_once


def test_what_one_version_closed_is_gone_whatever_a_later_one_allows() -> None:
    without = bent("[thin 10 s, bucket 10 km/h]", "drop")
    assert end_of(line(FILES, without), FIRST) == AT_ONCE_MS
    assert end_of(line(FILES, without, FILES), FIRST) == AT_ONCE_MS


@pytest.mark.parametrize(
    "unknown",
    [
        {"policy_version": "9-a"},
        {"policy_version": "of old"},
        {"output": "elsewhere"},
        {"signal": "Vehicle.Never"},
        {"decided_by": 9},
    ],
)
def test_nobody_can_tell_of_rows_whose_version_or_column_is_not_known(
    unknown: dict[str, Any],
) -> None:
    assert line(FILES, shortened("6 months")).end_of(rows(FIRST, **unknown)) is None


def test_rows_of_the_version_in_force_end_as_they_do() -> None:
    assert end_of(line(FILES), FIRST) == FIRST


def test_a_mesh_is_judged_as_the_position_it_stands_for() -> None:
    first = natural(*lane_of(FILES, "Vehicle.CurrentLocation.Latitude"))
    shorter = shortened("6 months")
    found = end_of(line(FILES, shorter), first, MESH)
    assert found == natural(*lane_of(shorter, "Vehicle.CurrentLocation.Latitude"))


units = st.sampled_from(["minutes", "hours", "days", "months", "years"])
periods = st.builds(Period, st.integers(1, 40), units)
instants = st.integers(parse_instant("2020-01-01T00:00:00Z"), parse_instant("2040-01-01T00:00:00Z"))


@given(start_ms=instants, period=periods)
def test_a_start_found_from_its_end_is_never_after_the_true_one(
    start_ms: int, period: Period
) -> None:
    end_ms = add_period(start_ms, period)
    found_ms = subtract_period(end_ms, period)
    assert start_ms - 3 * DAY_MS <= found_ms <= start_ms
    assert add_period(found_ms, period) == end_ms


@lru_cache
def lasting(number: int, months: int) -> CompiledPolicy:
    return policy_of(
        numbered(number, FILES if months == 12 else shortened(f"{months} months"))
    )  # as the small document has it


@given(months=st.lists(st.integers(1, 24), min_size=1, max_size=4))
@settings(max_examples=examples(40))
def test_over_any_line_of_versions_an_end_only_comes_nearer(months: Sequence[int]) -> None:
    documents = [lasting(number, count) for number, count in enumerate((12, *months), start=1)]
    ends = [end_of(Succession(documents[: n + 1]), FIRST) or 0 for n in range(len(documents))]
    assert all(later <= earlier for earlier, later in pairwise(ends))
    lanes = [one.plan.output("study").lanes for one in documents]
    kept = [next(lane for lane in one if lane.rules[0].category == "C09") for one in lanes]
    assert ends[-1] <= min(natural(lane.period, lane.grain) for lane in kept)
    assert ends[-1] > READ_MS - DAY_MS
