"""Versions on record: each once, in rising numbers, told to everyone by the outbox."""

from dataclasses import replace
from pathlib import Path

import pytest

from office.errors import OfficeError
from office.outbox import Outbox
from office.policy_versions import newest, published, record_version
from office.ports import ControlRecord
from office.store.database import Database
from office.store.recorded import recorded
from telemetry.topics import CONTROL_POLICIES
from telemetry.wire.publication import Publication, decode_publication

FIRST = Publication("p", 1, 0, 0, {"policy.yaml": "one"})
SECOND = Publication("p", 2, 10, 5, {"policy.yaml": "two"})


async def told(database: Database) -> list[Publication]:
    """What the outbox publishes, as workers read it."""
    found: list[ControlRecord] = []

    async def take(records: object) -> None:
        assert isinstance(records, list)
        found.extend(records)

    await Outbox(database).drain(take)
    return [
        decode_publication(one.value)
        for one in found
        if one.topic == CONTROL_POLICIES and one.value
    ]


async def test_a_version_is_on_record_and_told(database: Database) -> None:
    assert await newest(database) is None
    assert await record_version(database, FIRST, ()) == (FIRST,)
    assert await record_version(database, SECOND, (FIRST,)) == (FIRST, SECOND)
    assert await published(database) == (FIRST, SECOND)
    assert (await newest(database), await told(database)) == (2, [FIRST, SECOND])


async def test_the_same_texts_again_change_nothing(database: Database) -> None:
    await record_version(database, FIRST, ())
    again = replace(FIRST, published_ms=99)
    assert await record_version(database, again, (FIRST,)) == (FIRST,)
    assert await told(database) == [FIRST]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (replace(FIRST, files={"policy.yaml": "other"}), "higher number"),
        (replace(FIRST, version=0), "higher number"),
        (replace(SECOND, policy="q"), "keep its name"),
    ],
)
async def test_what_cannot_follow_is_refused(
    database: Database, new: Publication, why: str
) -> None:
    await record_version(database, FIRST, ())
    with pytest.raises(OfficeError, match=why):
        await record_version(database, new, (FIRST,))
    assert await published(database) == (FIRST,)


async def test_a_version_published_meanwhile_is_not_passed_over(database: Database) -> None:
    await record_version(database, FIRST, ())
    await record_version(database, SECOND, (FIRST,))
    with pytest.raises(OfficeError, match="meanwhile"):
        await record_version(database, replace(SECOND, version=3), (FIRST,))


async def test_versions_are_told_again_to_a_broker_that_lost_its_topics(database: Database) -> None:
    await record_version(database, FIRST, ())
    await told(database)
    await Outbox(database).republish_all()
    assert await told(database) == [FIRST]


def test_a_folder_without_an_office_has_nothing_on_record(tmp_path: Path) -> None:
    assert recorded(tmp_path / "none.sqlite") == ()
    (tmp_path / "empty.sqlite").touch()
    assert recorded(tmp_path / "empty.sqlite") == ()
