"""What lies behind the last heartbeat is the office's own only as far as the memory says so."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from office.registry.corrections import Correction, correct
from roadfade.refusal import Refusal
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS, FIRST_MS, HOUR_MS
from telemetry.topics import CONTROL_CONSENTS
from telemetry.wire.control import ConsentInterval, Restriction, decode_row, encode_row
from tests.roadfade.rebuild.small_office import ANA, BEN, SHARING, SINCE_MS, SmallOffice
from tests.roadfade.rebuild.test_lacking import key_of

FORGED = "x" * 22


def restricted(office: SmallOffice) -> Restriction:
    """An objection whose end the memory knows."""
    to_ms = office.now_ms + 1_000 * DAY_MS
    work = office.registry.restrict(BEN, "objected", "study", None, FIRST_MS, to_ms)
    row = Restriction(office.do(work), BEN, "objected", "study", None, FIRST_MS, to_ms)
    office.beat()
    return row


def of_nobody(row: Restriction) -> Restriction:
    return replace(row, subject=SubjectId("nobody"))


def of_less(row: Restriction) -> Restriction:
    return replace(row, purpose="another")


def longer(row: Restriction) -> Restriction:
    return replace(row, to_ms=None)


def shorter_than_is_remembered(row: Restriction) -> Restriction:
    return replace(row, to_ms=(row.to_ms or 0) - DAY_MS)


@pytest.mark.parametrize(
    "changed",
    [of_nobody, of_less, longer, shorter_than_is_remembered],
    ids=lambda one: one.__name__,
)
def test_a_row_that_was_replaced_is_refused_though_the_memory_knows_an_end_of_it(
    office: SmallOffice, changed: Callable[[Restriction], Restriction]
) -> None:
    row = restricted(office)
    office.write(CONTROL_CONSENTS, row.restriction.encode(), encode_row(changed(row)))
    office.lose()

    with pytest.raises(Refusal, match="does not know why"):
        office.rebuild()


def test_a_row_of_another_kind_is_refused(office: SmallOffice) -> None:
    row = restricted(office)
    consent = ConsentInterval(row.restriction, BEN, *SHARING, SINCE_MS, row.to_ms)
    office.write(CONTROL_CONSENTS, row.restriction.encode(), encode_row(consent))
    office.lose()

    with pytest.raises(Refusal, match="does not know why"):
        office.rebuild()


def test_a_link_that_was_corrected_begins_later_and_is_taken(office: SmallOffice) -> None:
    span = SINCE_MS, SINCE_MS + DAY_MS

    async def corrected() -> None:
        one = Correction(ANA, office.device(ANA), *span, None, "mistaken")
        async with office.database.writing() as connection:
            await correct(connection, one, office.now_ms)

    office.do(corrected())
    office.drain()
    before = office.rows("SELECT link, from_ms, to_ms FROM links ORDER BY link")
    office.lose()

    office.rebuild()

    assert office.rows("SELECT link, from_ms, to_ms FROM links ORDER BY link") == before
    assert office.mend() == 0


def test_a_link_that_begins_earlier_is_refused(office: SmallOffice) -> None:
    from telemetry.topics import CONTROL_LINKS  # noqa: PLC0415  # for this alone

    key = key_of(office, ANA, "links", "link")
    lying = [one.value for one in office.broker.records(CONTROL_LINKS) if one.key == key]
    row = decode_row(lying[-1] or b"")
    office.write(CONTROL_LINKS, key, encode_row(replace(row, from_ms=SINCE_MS - DAY_MS)))  # type: ignore[type-var]
    office.lose()

    with pytest.raises(Refusal, match="does not know why"):
        office.rebuild()


def test_a_consent_that_nobody_vouches_for_counts_as_never_given(office: SmallOffice) -> None:
    office.do(office.registry.withdraw(ANA, "sharing", "insurer", office.now_ms))
    office.beat()
    office.now_ms += 2 * HOUR_MS
    office.beat()
    forged = ConsentInterval(FORGED, ANA, *SHARING, SINCE_MS, None)
    office.write(CONTROL_CONSENTS, FORGED.encode(), encode_row(forged))
    office.lose()

    done = office.rebuild()

    found = f"SELECT from_ms, to_ms FROM consents WHERE consent = '{FORGED}'"  # noqa: S608  # ours
    assert office.rows(found) == [(SINCE_MS, SINCE_MS)]
    assert done.built is not None
    assert done.built.unvouched_consents == 1
    asked = office.rows("SELECT kind, from_ms, consents FROM erasures")
    assert asked == [("withdraw", SINCE_MS, f'["{FORGED}"]'.encode())], "what rests on it goes"
    office.beat()
    assert office.mend() == 0
    again = office.do(office.registry.grant(ANA, *SHARING, office.now_ms))
    assert again != FORGED, "who is asked again may agree"
