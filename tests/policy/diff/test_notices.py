"""What people were told under a number stays; what they agreed to is not widened behind it."""

from collections.abc import Mapping

import pytest

from policy.diff.change import ChangeKind
from policy.diff.diff import diff
from tests.policy.compiler.test_refusals import changed
from tests.policy.versions.lines import bent, difference
from tests.support.documents import FILES, policy_of

NOTICE = "notices/study@1.yaml"
LOCATION = "basis: {kind: location, notice: study@1}"
TOLD = changed(FILES, NOTICE, "en: We use it to study.", 'en: "Speed: {C09.keep}."')


def with_second_notice(files: Mapping[str, str]) -> dict[str, str]:
    """The cells on consent rest on study@2, which is there as well."""
    second = FILES[NOTICE].replace("study@1", "study@2")
    page = files["purposes/study.yaml"].replace(LOCATION, LOCATION.replace("@1", "@2"))
    return {**files, "notices/study@2.yaml": second, "purposes/study.yaml": page}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("We use it to study.", "We use it to sell.", "notice study@1 has another text"),
        ("2026-09-01", "2026-09-02", "notice study@1 holds from 2026-09-02 (was 2026-09-01)"),
    ],
)
def test_another_text_or_date_under_a_number_needs_a_new_number(
    old: str, new: str, said: str
) -> None:
    (change,) = difference(changed(FILES, NOTICE, old, new)).changes
    assert change.sentence == (
        f"{said}: TREATS_OTHERWISE, NEEDS_NEW_NOTICE (write study@2 in place of study@1)"
    )
    assert change.undecided


def test_the_same_text_that_would_read_otherwise_needs_a_new_number_even_if_it_is_less() -> None:
    shorter = {**TOLD, **bent("12 months, from", "6 months, from"), NOTICE: TOLD[NOTICE]}
    found = diff(policy_of(TOLD), policy_of(shorter))
    told = [change.sentence for change in found.undecided]
    assert len(told) == 1
    assert told[0].startswith("notice study@1 tells {C09.keep} as 6 months (was 12 months)")


def test_no_approval_stands_for_a_new_notice() -> None:
    approval = "{change: notice study@1 has another text, decision: fine, by: me, on: 2026-09-20}"
    rewritten = changed(FILES, NOTICE, "We use it to study.", "We use it to sell.")
    approved = changed(rewritten, "policy.yaml", "forbids: []", f"approvals: [{approval}]")
    assert [change.needs_notice for change in difference(approved).undecided] == [("study@1",)]


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("precision: P2\n", "precision: P0\n", {ChangeKind.FINER}),
        ("at_most: 30 days", "at_most: 60 days", {ChangeKind.LENGTHENS}),
        ("at_most: 30 days", "at_most: 20 days", set()),
        ("precision: P2\n", "precision: P3\n", set()),
    ],
)
def test_more_in_a_cell_on_consent_needs_a_new_notice_and_less_does_not(
    old: str, new: str, kinds: set[ChangeKind]
) -> None:
    asked = [change for change in difference(bent(old, new)).changes if change.needs_notice]
    assert {change.kind for change in asked} == kinds


def test_a_new_signal_in_a_cell_on_consent_needs_a_new_notice() -> None:
    only = "    only: [Vehicle.CurrentLocation.Latitude]\n"
    cell = f"{LOCATION}\n"
    one = bent(cell, cell + only, "purposes/study.yaml")
    half = {**one, "purposes/study.yaml": one["purposes/study.yaml"].replace("P2\n", "P0\n")}
    both = {**FILES, "purposes/study.yaml": FILES["purposes/study.yaml"].replace("P2\n", "P0\n")}
    opened = [c for c in diff(policy_of(half), policy_of(both)).changes if c.needs_notice]
    assert {change.kind for change in opened} == {ChangeKind.OPENS}


def test_under_a_new_notice_the_same_widening_is_a_decision_again() -> None:
    wider = bent("precision: P2\n", "precision: P0\n")
    assert any(change.needs_notice for change in difference(wider).undecided)
    noticed = difference(with_second_notice(wider))
    assert not any(change.needs_notice for change in noticed.changes)
    assert any(change.kind is ChangeKind.FINER and change.undecided for change in noticed.changes)


def test_what_rests_on_no_consent_needs_a_decision_and_no_new_notice() -> None:
    longer = bent("12 months, from: reading", "36 months, from: reading")
    changes = difference(longer).changes
    assert changes
    assert all(change.undecided and not change.needs_notice for change in changes)


ERASE = "precision: P2\n    on_withdrawal: erase\n"


def test_what_a_withdrawal_no_longer_erases_is_a_widening_that_asks_anew() -> None:
    erasing = bent("precision: P2\n", ERASE)
    (stricter,) = diff(policy_of(), policy_of(erasing)).changes
    assert stricter.sentence == (
        "study treats Vehicle.CurrentLocation.Latitude and 1 more of C07 on withdrawal erase "
        "(was keep_before): SHORTENS"
    )
    (looser,) = diff(policy_of(erasing), policy_of()).changes
    assert (looser.kind, looser.needs_notice) == (ChangeKind.LENGTHENS, ("study@1",))
    noticed = diff(policy_of(erasing), policy_of(with_second_notice(FILES)))
    (kept,) = [change for change in noticed.changes if change.kind is ChangeKind.LENGTHENS]
    assert kept.undecided
    assert kept.needs_notice == ()
