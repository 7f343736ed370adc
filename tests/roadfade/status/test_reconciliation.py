"""What is planted is found, at its place; what is whole, or on its way, is not complained of."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.ports import Lag
from roadfade.ledger_file import Range
from roadfade.status import reconciliation
from roadfade.status.reconciliation import Accounts, Kept, RawRead, reconcile
from telemetry.topics import RAW

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=12)
TOPIC = "purpose.research"


def contiguous(lengths: list[int], partition: int = 0) -> list[Range]:
    """Ranges of these lengths, one after the other from offset 0."""
    firsts = [sum(lengths[:place]) for place in range(len(lengths))]
    return [
        Range(RAW, partition, first, first + length - 1)
        for first, length in zip(firsts, lengths, strict=True)
    ]


def whole(lengths: list[int], partition: int = 0) -> Accounts:
    """A ledger that tells once of everything that is committed."""
    ranges = contiguous(lengths, partition)
    end = ranges[-1].last + 1
    return Accounts(ranges, {(RAW, partition): RawRead(0, end, end, end)})


def research(**changed: Any) -> Accounts:
    """An output of which everything was kept, one reading of each delivered one."""
    one = {"delivered": 70, "in_store": 50, "swept": 20, "cells": False, "times_max": 1}
    account = {name: changed.pop(name, value) for name, value in one.items()}
    made = replace(whole([100]), outputs={"research": Kept(**account)})
    return replace(made, **changed)


def purpose(stored: int | None, lag: Lag) -> Accounts:
    at = (TOPIC, 1)
    return replace(whole([5]), purposes={at: lag}, stored={} if stored is None else {at: stored})


@given(LENGTHS)
def test_a_whole_ledger_is_accounted_for(lengths: list[int]) -> None:
    assert reconcile(whole(lengths)).findings == ()


@given(LENGTHS, st.data())
def test_a_range_that_is_taken_away_is_found(lengths: list[int], data: st.DataObject) -> None:
    accounts = whole(lengths, partition=3)
    taken = data.draw(st.sampled_from(list(accounts.ranges)))
    left = [one for one in accounts.ranges if one != taken]
    (finding,) = reconcile(replace(accounts, ranges=left)).findings
    assert finding.startswith(f"the ledger tells nothing of {said(RAW, 3, *taken[2:])}:")


@given(LENGTHS, st.data())
def test_an_overlap_is_found(lengths: list[int], data: st.DataObject) -> None:
    accounts = whole(lengths)
    end = accounts.ranges[-1].last
    first = data.draw(st.integers(0, end))
    last = data.draw(st.integers(first, end))
    findings = reconcile(replace(accounts, ranges=[*accounts.ranges, Range(RAW, 0, first, last)]))
    doubled: set[int] = set()
    for finding in findings.findings:
        assert finding.startswith("the ledger tells twice of ")
        doubled |= offsets_in(finding)
    assert doubled == set(range(first, last + 1))


@given(LENGTHS, st.integers(1, 40))
def test_what_was_committed_and_never_told_is_found(lengths: list[int], lost: int) -> None:
    accounts = whole(lengths)
    end = accounts.ranges[-1].last + 1
    past = end + lost
    raw = {(RAW, 0): RawRead(0, past, past, past)}
    (finding,) = reconcile(replace(accounts, raw=raw)).findings
    assert f"nothing of {said(RAW, 0, end, past - 1)}:" in finding
    unread = reconcile(replace(accounts, raw={(RAW, 0): RawRead(0, past, end, end)}))
    assert unread.findings == (), "what nobody has read yet is not lost"
    late = reconcile(replace(accounts, raw=raw, waiting=2))
    assert (late.findings, len(late.unknown)) == ((), 1)


@given(LENGTHS, st.integers(1, 40))
def test_a_range_beyond_the_commit_or_the_end_is_found(lengths: list[int], more: int) -> None:
    accounts = whole(lengths)
    end = accounts.ranges[-1].last + 1
    beyond = replace(accounts, ranges=[*accounts.ranges, Range(RAW, 0, end, end + more - 1)])
    place = said(RAW, 0, end, end + more - 1)
    (anew,) = reconcile(beyond).findings
    assert anew.startswith(f"the ledger tells of {place}, but the topic ends at {end}:")
    unfinished = replace(beyond, raw={(RAW, 0): RawRead(0, end + more, end, end)})
    (finding,) = reconcile(unfinished).findings
    assert finding.startswith(f"the ledger tells of {place}, which no worker has committed:")
    since = replace(beyond, raw={(RAW, 0): RawRead(0, end + more, end, end + more)})
    assert reconcile(since).findings == (), "a batch that was in hand is through by now"


def test_records_deleted_before_any_worker_read_them_are_found() -> None:
    accounts = replace(whole([10]), raw={(RAW, 0): RawRead(25, 40, 10, 10)})
    (finding,) = reconcile(accounts).findings
    assert said(RAW, 0, 10, 24) in finding
    never = Accounts([], {(RAW, 0): RawRead(7, 9, None, None)})
    assert said(RAW, 0, 0, 6) in reconcile(never).findings[0]
    assert reconcile(Accounts([], {(RAW, 0): RawRead(0, 9, None, None)})).findings == ()


def test_a_partition_that_the_broker_has_not_is_found() -> None:
    accounts = replace(whole([10]), raw={})
    assert (
        f"tells of {said(RAW, 0, 0, 9)}, and the broker has no" in reconcile(accounts).findings[0]
    )


@pytest.mark.parametrize(
    ("stored", "lag", "begins"),
    [
        (30, Lag(50, 0, 60), f"the sink committed {TOPIC} partition 1, offsets 30 to 49,"),
        (None, Lag(50, 20, 60), f"the lake never kept {TOPIC} partition 1, offsets 0 to 19,"),
        (10, Lag(10, 20, 60), f"the lake never kept {TOPIC} partition 1, offsets 10 to 19,"),
        (90, Lag(60, 0, 60), f"the lake kept {TOPIC} partition 1, offsets 60 to 89, but"),
    ],
    ids=["not kept", "no lake", "deleted unread", "made anew"],
)
def test_what_the_sink_read_and_the_lake_lacks_is_found(
    stored: int | None, lag: Lag, begins: str
) -> None:
    findings = reconcile(purpose(stored, lag)).findings
    assert findings[0].startswith(begins)


@pytest.mark.parametrize(
    ("stored", "lag"),
    [(50, Lag(50, 0, 60)), (60, Lag(50, 55, 60)), (None, Lag(None, 0, 60)), (0, Lag(0, 0, 0))],
    ids=["unread", "not committed yet", "nothing kept yet", "empty"],
)
def test_what_waits_for_the_sink_is_no_finding(stored: int | None, lag: Lag) -> None:
    assert reconcile(purpose(stored, lag)).findings == ()


@given(st.integers(1, 60), st.booleans())
def test_readings_that_the_store_lost_or_doubled_are_found(by: int, lost: bool) -> None:  # noqa: FBT001  # hypothesis gives arguments by place
    found = reconcile(research(in_store=50 - by if lost else 50 + by))
    assert found.verdicts == {"research": "missing" if lost else "too many"}
    assert found.findings[0].startswith("research: workers delivered 70 readings, ")
    assert len(found.findings) == 1


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "equal"),
        ({"swept": 10, "cells": True}, "within bounds"),
        ({"swept": 10, "expired_on_arrival": 10}, "within bounds"),
        ({"in_store": 120, "times_max": 2}, "within bounds"),
        ({"in_store": 121, "times_max": 2}, "too many"),
        ({"swept": 9, "cells": True}, "missing"),
        ({"in_store": 90, "quiet": False}, "within bounds"),
    ],
    ids=str,
)
def test_readings_are_compared_as_far_as_they_can_be(changed: Any, verdict: str) -> None:
    found = reconcile(research(**changed))
    assert found.verdicts == {"research": verdict}
    assert (found.findings == ()) == (verdict in {"equal", "within bounds"})


@pytest.mark.parametrize(
    "changed",
    [
        {"in_store": None},
        {"swept": None},
        {"cells": None},
        {"times_max": None},
        {"waiting": 1},
        {"sunk": False},
        {"unclear": ["the sink refused 3 records"]},
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_unknown_and_never_zero(changed: Any) -> None:
    found = reconcile(research(delivered=1_000, **changed))
    assert found.verdicts == {"research": "unknown"}
    assert found.findings == ()
    assert any(one.startswith("research: ") and "unknown" in one for one in found.unknown)


def test_a_ledger_with_a_gap_is_held_against_no_store() -> None:
    found = reconcile(replace(research(), ranges=[Range(RAW, 0, 0, 40)]))
    assert (len(found.findings), found.verdicts) == (1, {"research": "unknown"})


def test_so_many_findings_are_told_and_the_rest_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "FINDINGS_MAX", 3)
    ranges = [Range(RAW, 0, first, first) for first in range(1, 20, 2)]
    accounts = Accounts(ranges, {(RAW, 0): RawRead(0, 20, 20, 20)})
    findings = reconcile(accounts).findings
    assert (len(findings), findings[-1]) == (4, "7 findings more are not listed")


def said(topic: str, partition: int, first: int, last: int) -> str:
    offsets = f"offset {first}" if first == last else f"offsets {first} to {last}"
    return f"{topic} partition {partition}, {offsets}"


def offsets_in(finding: str) -> set[int]:
    """The offsets that a finding of partition 0 names."""
    text = finding.partition("partition 0, ")[2].partition(":")[0]
    first, _, last = text.removeprefix("offsets ").removeprefix("offset ").partition(" to ")
    return set(range(int(first), int(last or first) + 1))
