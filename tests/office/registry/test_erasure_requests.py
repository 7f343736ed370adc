"""What is asked is on record once, of the right rows, in the transaction of what it follows from."""

import pytest
from sqlalchemy import select

from office.errors import OfficeError
from office.registry.erasure_requests import Asked, NewErasure, ask, names
from office.registry.registry import Registry
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from telemetry.identity import DeviceId, SubjectId
from tests.office.conftest import GRANTABLE, IMPROVE, INSURE, LEASE

ANA = SubjectId("ana")
NOW_MS = 1_000_000


@pytest.fixture
async def link(registry: Registry) -> str:
    for consent in (IMPROVE, INSURE, LEASE):
        await registry.grant(ANA, *consent, 100)
    return await registry.register(DeviceId("dongle-1"), ANA, 100)


async def asked(database: Database, new: NewErasure, now_ms: int = NOW_MS) -> Asked:
    async with database.writing() as connection:
        return await ask(connection, new, now_ms)


async def on_record(database: Database) -> list[tuple[str, int | None, int | None, list[str]]]:
    """Kind, interval and consents of every request."""
    async with database.reading() as connection:
        query = select(ERASURES).order_by(ERASURES.c.asked_ms)
        rows = (await connection.execute(query)).all()
    return [(row.kind, row.from_ms, row.to_ms, names(row.consents) or []) for row in rows]


@pytest.mark.usefixtures("link")
async def test_asked_again_with_the_same_facts_it_is_the_same_request(database: Database) -> None:
    new = NewErasure("erase", ANA, "asked", purposes=["research", "service"], to_ms=NOW_MS)
    first = await asked(database, new)
    again = await asked(database, new._replace(purposes=("service", "research")), NOW_MS + 5)
    assert again == first
    other = await asked(database, new._replace(purposes=["service"]))
    assert other.erasure != first.erasure
    assert other.nonce != first.nonce
    assert len(await on_record(database)) == 2


async def test_a_part_is_what_was_recorded_until_it_is_asked_and_a_whole_has_no_end(
    database: Database, link: str
) -> None:
    whole = NewErasure("erase", ANA, "asked")
    part = whole._replace(links=[link])
    assert whole.whole and not part.whole
    await asked(database, whole)
    await asked(database, part, NOW_MS + 1)
    assert await on_record(database) == [
        ("erase", None, None, []),
        ("erase", None, NOW_MS + 1, []),
    ]


@pytest.mark.usefixtures("link")
@pytest.mark.parametrize(
    ("new", "why"),
    [
        (NewErasure("erase", SubjectId("anna"), "asked"), "nobody of that id"),
        (NewErasure("erase", ANA, "asked", links=["no-link"]), "not that person's"),
        (NewErasure("erase", ANA, "asked", from_ms=20, to_ms=10), "ends before it begins"),
        (NewErasure("erase", ANA, "Ana asked"), "one word"),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(
    database: Database, new: NewErasure, why: str
) -> None:
    with pytest.raises(OfficeError, match=why):
        await asked(database, new)
    assert await on_record(database) == []


@pytest.mark.usefixtures("link")
async def test_a_withdrawal_asks_for_what_rests_on_that_consent_since(
    database: Database, registry: Registry
) -> None:
    ended = await registry.withdraw(ANA, "share", "insurer", 200, now_ms=250)
    assert await on_record(database) == [("withdraw", 200, None, ended)]
    # Repeated, at that instant or a later one, it asks for nothing more.
    await registry.withdraw(ANA, "share", "insurer", 200)
    await registry.withdraw(ANA, "share", "insurer", 300)
    assert len(await on_record(database)) == 1
    # For another recipient, the other consent is asked about alone.
    both = await registry.withdraw(ANA, "share", None, 300)
    assert (await on_record(database))[-1] == ("withdraw", 300, None, sorted({*both} - {*ended}))


@pytest.mark.usefixtures("link")
async def test_with_erase_a_withdrawal_asks_for_all_that_rests_on_that_consent(
    database: Database, registry: Registry
) -> None:
    await registry.withdraw(ANA, "improve", None, 200)
    ended = await registry.withdraw(ANA, "improve", None, 300, erase=True)
    assert (await on_record(database))[-1] == ("withdraw", None, None, ended)
    await registry.withdraw(ANA, "improve", None, 400, erase=True)
    await registry.withdraw(ANA, "improve", None, 100)
    assert len(await on_record(database)) == 2


async def test_a_withdrawal_that_is_refused_asks_for_nothing(
    database: Database, registry: Registry
) -> None:
    with pytest.raises(OfficeError, match="never consented"):
        await registry.withdraw(ANA, "improve", None, 200)
    assert await on_record(database) == []


async def test_no_withdrawal_is_on_record_without_its_request(
    database: Database, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await registry.grant(ANA, *IMPROVE, 100)

    async def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("office.registry.registry.ask_as_withdrawn", fail)
    with pytest.raises(ConnectionError):
        await registry.withdraw(ANA, "improve", None, 200)
    monkeypatch.undo()
    again = Registry(database, GRANTABLE)
    # The consent still holds: granting it again finds it open.
    assert await again.grant(ANA, *IMPROVE, 300) == row


@pytest.mark.usefixtures("link")
async def test_nothing_is_added_for_a_person_who_is_about_to_be_forgotten(
    database: Database, registry: Registry, link: str
) -> None:
    part = NewErasure("erase", ANA, "asked", from_ms=10)
    await asked(database, part)
    await registry.register(DeviceId("dongle-2"), ANA, 100)
    await asked(database, NewErasure("erase", ANA, "asked"))
    with pytest.raises(OfficeError, match="asked to be forgotten"):
        await registry.register(DeviceId("dongle-3"), ANA, 100)
    await registry.withdraw(ANA, IMPROVE.purpose, None, 200)
    with pytest.raises(OfficeError, match="asked to be forgotten"):
        await registry.grant(ANA, *IMPROVE, 300)
    assert await registry.register(DeviceId("dongle-1"), ANA, 100) == link, "it was there before"
    await registry.register(DeviceId("dongle-3"), SubjectId("bert"), 100)


@pytest.mark.usefixtures("link")
async def test_nobody_objects_by_a_mistyped_id(registry: Registry) -> None:
    await registry.object_to(ANA, None, None, 100)
    with pytest.raises(OfficeError, match="nobody of that id"):
        await registry.object_to(SubjectId("anna"), None, None, 100)
