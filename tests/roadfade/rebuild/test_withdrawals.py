"""Withdrawals that were on their way as an office was lost are asked for again as they were."""

from telemetry.instants import DAY_MS
from tests.roadfade.rebuild.small_office import ANA, SmallOffice

ASKED = "SELECT kind, state, from_ms, begins_ms FROM erasures"


def withdraw(office: SmallOffice, at_ms: int, *, erase: bool = False) -> None:
    office.do(
        office.registry.withdraw(
            ANA, "sharing", "insurer", at_ms, erase=erase, now_ms=office.now_ms
        )
    )


def test_what_goes_with_a_withdrawal_that_takes_effect_later_goes_then(office: SmallOffice) -> None:
    later_ms = office.now_ms + 10 * DAY_MS
    withdraw(office, later_ms, erase=True)
    office.beat()
    office.lose()

    done = office.rebuild()

    assert office.rows(ASKED) == [("withdraw", "asked", None, later_ms)]
    assert done.built is not None
    assert done.built.amended.withdrawals == 1


def test_so_does_what_is_to_go_with_an_end_that_was_known_before(office: SmallOffice) -> None:
    later_ms = office.now_ms + 10 * DAY_MS
    withdraw(office, later_ms)
    office.beat()
    withdraw(office, later_ms, erase=True)
    office.beat()
    office.lose()

    office.rebuild()

    assert office.rows(ASKED) == [("withdraw", "asked", None, later_ms)]


def test_what_goes_later_than_its_consent_ends_goes_no_earlier(office: SmallOffice) -> None:
    later_ms = office.now_ms + 10 * DAY_MS
    withdraw(office, later_ms, erase=True)
    ended_ms = office.now_ms
    withdraw(office, ended_ms)
    office.beat()
    office.lose()

    office.rebuild()

    asked = sorted(office.rows("SELECT from_ms, begins_ms FROM erasures"), key=str)
    assert asked == [(ended_ms, None), (None, later_ms)]


def test_a_withdrawal_that_was_dated_back_is_asked_for_again(office: SmallOffice) -> None:
    back_ms = office.now_ms - 3 * DAY_MS
    withdraw(office, back_ms)
    office.beat()
    office.lose()

    office.rebuild()

    assert office.rows(ASKED) == [("withdraw", "asked", back_ms, None)]
