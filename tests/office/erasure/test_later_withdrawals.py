"""A withdrawal that takes effect later holds back nothing until then, and ends if it is needless."""

from sqlalchemy import select

from office.erasure.on_record import oldest_uncommanded_ms, uncommanded_subjects
from office.registry.erasure_requests import NewErasure
from office.store.erasure_tables import ERASURES
from telemetry.instants import DAY_MS
from tests.office.erasure.conftest import ANA, BEN, NOW_MS, Office
from tests.support.plans import PLAN

LATER_MS = NOW_MS + 400 * DAY_MS


async def announce(office: Office, at_ms: int = LATER_MS) -> None:
    await office.registry.withdraw(ANA, "sharing", "insurer", at_ms, now_ms=NOW_MS)


async def held_back(office: Office, now_ms: int) -> tuple[int | None, set[str]]:
    async with office.database.reading() as connection:
        oldest_ms = await oldest_uncommanded_ms(connection, now_ms)
        return oldest_ms, await uncommanded_subjects(connection, now_ms)


async def states(office: Office) -> dict[int | None, str]:
    async with office.database.reading() as connection:
        rows = await connection.execute(select(ERASURES).where(ERASURES.c.kind == "withdraw"))
        return {row.from_ms: row.state for row in rows}


async def test_it_holds_back_no_key_and_no_link_before_it_takes_effect(office: Office) -> None:
    await announce(office)
    await office.turn()
    assert await held_back(office, LATER_MS - 1) == (None, set())
    assert await held_back(office, LATER_MS) == (NOW_MS, {ANA})
    # Others are held back for as ever.
    await office.registry.withdraw(BEN, "sharing", "insurer", NOW_MS, now_ms=NOW_MS)
    assert await held_back(office, NOW_MS) == (NOW_MS, {BEN})


async def test_it_goes_its_way_if_keys_were_destroyed_meanwhile(office: Office) -> None:
    await announce(office)
    await office.turn()
    sharing = [one for one in PLAN.outputs if one.recipient == "insurer"]
    names = {(one.purpose, one.recipient) for one in sharing}
    office.keyring.destroy({name for name in office.keyring.states() if name[:2] in names})
    office.now_ms = LATER_MS
    await office.turn()
    await office.turn()
    office.now_ms += DAY_MS
    await office.turn()
    assert "unlocatable" in [entry.what for entry in await office.entries()]


async def test_it_is_closed_once_the_same_consent_is_withdrawn_for_earlier(office: Office) -> None:
    await announce(office)
    await announce(office, LATER_MS - DAY_MS)
    assert await states(office) == {LATER_MS: "closed", LATER_MS - DAY_MS: "asked"}
    # A later day than is on record already asks for nothing.
    await announce(office, LATER_MS)
    assert len(await states(office)) == 2


async def erase(office: Office, at_ms: int) -> None:
    await office.registry.withdraw(ANA, "sharing", "insurer", at_ms, erase=True, now_ms=NOW_MS)


async def of_all(office: Office) -> dict[int | None, str]:
    """The states of those that erase all, by when they begin."""
    async with office.database.reading() as connection:
        which = (ERASURES.c.kind == "withdraw") & ERASURES.c.from_ms.is_(None)
        rows = await connection.execute(select(ERASURES).where(which))
        return {row.begins_ms: row.state for row in rows}


async def test_it_is_closed_if_all_that_rests_on_it_is_erased_as_it_ends(office: Office) -> None:
    await announce(office)
    await erase(office, LATER_MS - DAY_MS)
    assert (await states(office))[LATER_MS] == "closed"
    assert await of_all(office) == {LATER_MS - DAY_MS: "asked"}
    await erase(office, NOW_MS)
    assert await of_all(office) == {LATER_MS - DAY_MS: "closed", None: "asked"}


async def test_erasing_all_waits_until_the_withdrawal_takes_effect(office: Office) -> None:
    await erase(office, LATER_MS)
    (waiting,) = await office.turn()
    assert waiting.wait.until_ms == LATER_MS
    await office.turn()
    assert office.commands() == []
    assert await held_back(office, LATER_MS - 1) == (None, set())
    assert await held_back(office, LATER_MS) == (NOW_MS, {ANA})
    await erase(office, LATER_MS)
    assert await of_all(office) == {LATER_MS: "asked"}, "asked again it is the same request"
    office.now_ms = LATER_MS
    await office.turn()
    await office.turn(answer=False)
    assert {(one.output, one.from_ms) for one in office.commands()} == {("sharing", None)}


async def test_ending_it_before_leaves_what_erases_all_later(office: Office) -> None:
    await erase(office, LATER_MS)
    await announce(office, NOW_MS)
    assert await of_all(office) == {LATER_MS: "asked"}
    assert await states(office) == {None: "asked", NOW_MS: "asked"}


async def test_it_is_closed_with_whoever_is_forgotten(office: Office) -> None:
    await announce(office)
    asked = await office.ask(NewErasure("erase", ANA, "asked"))
    await office.run(asked.erasure)
    assert office.now_ms < LATER_MS
    assert await states(office) == {LATER_MS: "closed"}
