"""What may be held, for how long without a look, and what is written down of it."""

import pytest

from office.errors import OfficeError
from office.holds.overview import hold_figures
from office.holds.register import BASES, LIVING_MAX, NewHold, State, note, review
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS
from tests.office.erasure.conftest import BEN, NOW_MS
from tests.office.holds.conftest import HOLD, OFFICER, HoldingOffice

NOBODY = SubjectId("nobody-we-know")


async def test_a_hold_says_whose_why_until_when_and_who_answers_for_it(
    office: HoldingOffice,
) -> None:
    hold = await office.place(HOLD._replace(purposes=["service", "research"], to_ms=NOW_MS))
    told = await office.told(hold)
    assert (told.basis, told.reference, told.owner) == ("litigation", "case 7", OFFICER)
    assert (told.of, told.purposes) == ("person", ("research", "service"))
    assert (told.state, told.overdue, told.complete_since_ms) == (State.LIVING, False, None)
    assert [(one.what, one.who, one.at_ms) for one in told.entries] == [("placed", OFFICER, NOW_MS)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (HOLD._replace(basis="curiosity"), "one of: tax_or_company_books, litigation"),
        (HOLD._replace(reference=" "), "the reference is one line"),
        (HOLD._replace(reference="x" * 201), "1 to 200 characters"),
        (HOLD._replace(owner="two\nlines"), "the owner is one line"),
        (HOLD._replace(review_ms=NOW_MS), "within 90 days"),
        (HOLD._replace(review_ms=NOW_MS + 91 * DAY_MS), "within 90 days"),
        (HOLD._replace(end_ms=NOW_MS), "a later --end"),
        (HOLD._replace(from_ms=NOW_MS, to_ms=NOW_MS), "ends before it begins"),
        (HOLD._replace(subject=None), "a person or a vehicle"),
        (HOLD._replace(subject=NOBODY), "nobody of that id"),
        (HOLD._replace(device=DeviceId("no-dongle")), "no device of that id"),
        (HOLD._replace(subject=BEN, device=DeviceId("dongle-of-ana")), "never linked"),
    ],
)
async def test_what_may_not_be_held_is_refused(
    office: HoldingOffice, wrong: NewHold, says: str
) -> None:
    with pytest.raises(OfficeError, match=says):
        await office.place(wrong)


async def test_one_that_is_not_reviewed_is_told_of_and_stays(office: HoldingOffice) -> None:
    hold = await office.place()
    await office.hold_turn()
    before = office.hold_commands()
    office.now_ms = HOLD.review_ms + 1
    await office.hold_turn()
    assert (await office.told(hold)).overdue
    async with office.database.reading() as connection:
        assert (await hold_figures(connection, office.now_ms))[:2] == (1, 1)
    assert office.hold_commands() == before
    async with office.database.writing() as connection:
        next_ms = office.now_ms + 90 * DAY_MS
        await review(connection, hold, "another", next_ms, 90, office.now_ms)
    told = await office.told(hold)
    assert (told.overdue, told.review_ms) == (False, next_ms)
    assert [(one.what, one.who) for one in told.entries][-1] == ("reviewed", "another")


async def test_a_review_lies_no_further_ahead_than_at_first(office: HoldingOffice) -> None:
    hold = await office.place()
    async with office.database.writing() as connection:
        with pytest.raises(OfficeError, match="within 90 days"):
            await review(connection, hold, OFFICER, NOW_MS + 91 * DAY_MS, 90, NOW_MS)


async def test_what_is_released_is_not_released_reviewed_or_opened_again(
    office: HoldingOffice,
) -> None:
    hold = await office.place()
    await office.release(hold)
    with pytest.raises(OfficeError, match="was released"):
        await office.release(hold)
    async with office.database.writing() as connection:
        with pytest.raises(OfficeError, match="was released"):
            await review(connection, hold, OFFICER, NOW_MS + DAY_MS, 90, NOW_MS)


async def test_a_number_that_is_none_is_refused(office: HoldingOffice) -> None:
    with pytest.raises(OfficeError, match="no legal hold of that number"):
        await office.release("NONE")


async def test_more_holds_than_stores_copy_for_are_refused(
    office: HoldingOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LIVING_MAX > 100
    monkeypatch.setattr("office.holds.register.LIVING_MAX", 1)
    await office.place()
    with pytest.raises(OfficeError, match="release some"):
        await office.place()


async def test_who_opens_is_one_line(office: HoldingOffice) -> None:
    hold = await office.place()
    async with office.database.writing() as connection:
        with pytest.raises(OfficeError, match="one line"):
            await note(connection, hold, "opened", "", NOW_MS)


def test_the_bases_are_those_of_the_requirements() -> None:
    assert list(BASES) == [
        "tax_or_company_books",
        "litigation",
        "request_or_complaint",
        "breach_case",
        "preservation_request",
        "authority_order",
    ]
