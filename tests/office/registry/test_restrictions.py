"""What is kept back of a person: on record once, told to workers, lifted only if it can be."""

import pytest
from sqlalchemy import select

from office.errors import OfficeError
from office.outbox import Outbox
from office.registry.registry import Registry
from office.registry.restrictions import forget_restriction
from office.store.database import Database
from office.store.tables import RESTRICTIONS
from telemetry.identity import SubjectId
from telemetry.instants import parse_instant
from telemetry.wire.control import Restriction
from tests.office.conftest import Topics

ANA, BERT = SubjectId("ana"), SubjectId("bert")


async def seen(outbox: Outbox, topics: Topics) -> dict[str, Restriction]:
    await outbox.drain(topics.publish)
    rows = [row for row in topics.seen().values() if isinstance(row, Restriction)]
    return {row.restriction: row for row in rows}


async def test_workers_are_told_under_the_rows_own_id(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    one = await registry.restrict(ANA, "objected", "improve", None, 100)
    other = await registry.restrict(ANA, "erased", None, "insurer", 0, 100)
    assert await seen(outbox, topics) == {
        one: Restriction(one, ANA, "objected", "improve", None, 100, None),
        other: Restriction(other, ANA, "erased", None, "insurer", 0, 100),
    }
    assert {record.key.decode() for record in topics.records} == {one, other}


async def test_equal_facts_are_on_record_once_and_any_other_fact_is_its_own(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    facts = [
        (ANA, "objected", None, None, 100, None),
        (BERT, "objected", None, None, 100, None),
        (ANA, "erased", None, None, 100, None),
        (ANA, "objected", "improve", None, 100, None),
        (ANA, "objected", None, "insurer", 100, None),
        (ANA, "objected", None, None, 101, None),
        (ANA, "objected", None, None, 100, 200),
    ]
    ids = [await registry.restrict(*one) for one in facts]  # type: ignore[arg-type]  # words of the closed set
    assert len(set(ids)) == len(facts)
    assert [await registry.restrict(*one) for one in facts] == ids  # type: ignore[arg-type]  # as above
    assert len(await seen(outbox, topics)) == len(topics.records) == len(facts)


async def test_an_objection_is_lifted_at_its_instant_and_only_ever_shortened(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.restrict(ANA, "objected", None, None, 100)
    for at_ms, ends_ms in ((300, 300), (400, 300), (250, 250), (50, 100)):
        await registry.lift(row, at_ms)
        assert (await seen(outbox, topics))[row].to_ms == ends_ms
    told = len(topics.records)
    await registry.lift(row, 250)
    await outbox.drain(topics.publish)
    assert len(topics.records) == told, "what changes nothing is told to nobody"


async def test_who_objects_again_after_lifting_is_heard_again(registry: Registry) -> None:
    row = await registry.restrict(ANA, "objected", None, None, 100)
    await registry.lift(row, 300)
    assert await registry.restrict(ANA, "objected", None, None, 100) != row


async def test_what_was_erased_is_not_lifted(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.restrict(ANA, "erased", None, None, 0, 100)
    before = await seen(outbox, topics)
    with pytest.raises(OfficeError, match="stays erased") as refusal:
        await registry.lift(row, 50)
    assert "ana" not in str(refusal.value)
    with pytest.raises(OfficeError, match="no restriction of that id"):
        await registry.lift("another", 50)
    assert await seen(outbox, topics) == before


BEYOND_MS = parse_instant("9999-12-31T23:59:59Z") + 1_000


@pytest.mark.parametrize(
    ("subject", "from_ms", "to_ms"),
    [(ANA, 5, 5), (ANA, 5, 4), (ANA, BEYOND_MS, None), (ANA, 0, BEYOND_MS), (SubjectId(""), 0, 5)],
)
async def test_what_would_hold_nothing_or_could_not_be_read_is_refused(
    registry: Registry,
    outbox: Outbox,
    topics: Topics,
    subject: SubjectId,
    from_ms: int,
    to_ms: int | None,
) -> None:
    with pytest.raises(OfficeError):
        await registry.restrict(subject, "erased", None, None, from_ms, to_ms)
    assert await seen(outbox, topics) == {}


async def test_a_restriction_that_has_done_its_work_goes_from_the_topic_too(
    registry: Registry, database: Database, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.restrict(ANA, "erased", None, None, 0, 100)
    assert row in await seen(outbox, topics)
    for there in (True, False):
        async with database.writing() as connection:
            assert await forget_restriction(connection, row) == there
    assert await seen(outbox, topics) == {}
    async with database.reading() as connection:
        assert (await connection.execute(select(RESTRICTIONS))).all() == []
