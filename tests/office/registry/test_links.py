import asyncio
import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from office.errors import OfficeError
from office.outbox import Outbox
from office.registry.intervals import Interval
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import DeviceRegistration, LinkInterval
from tests.office.conftest import Topics
from tests.support.times import examples

DONGLE = DeviceId("dongle-1")
ANA = SubjectId("ana")
BEN = SubjectId("ben")


async def links_seen(outbox: Outbox, topics: Topics) -> list[LinkInterval]:
    await outbox.drain(topics.publish)
    seen = [row for row in topics.seen().values() if isinstance(row, LinkInterval)]
    return sorted(seen, key=lambda link: link.from_ms)


async def test_a_device_that_changes_hands_has_two_links_with_separate_secrets(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    first = await registry.register(DONGLE, ANA, 100)
    assert await registry.close_link(DONGLE, 200) == first
    second = await registry.register(DONGLE, BEN, 200)
    ana, ben = await links_seen(outbox, topics)
    assert (ana.link, ana.subject, ana.from_ms, ana.to_ms) == (first, ANA, 100, 200)
    assert (ben.link, ben.subject, ben.from_ms, ben.to_ms) == (second, BEN, 200, None)
    assert len(ana.secret) == 32
    assert ana.secret != ben.secret


async def test_the_same_facts_twice_change_nothing_and_give_the_same_ids(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    assert await registry.register_device(DONGLE, 50) == await registry.register_device(DONGLE, 50)
    assert await registry.link(DONGLE, ANA, 100) == await registry.link(DONGLE, ANA, 100)
    assert await registry.close_link(DONGLE, 300) == await registry.close_link(DONGLE, 300)
    await outbox.drain(topics.publish)
    assert len(topics.records) == 3  # the device, the link, its end


async def test_a_link_that_exists_already_is_not_duplicated(registry: Registry) -> None:
    row = await registry.register(DONGLE, ANA, 100)
    assert await registry.register(DONGLE, ANA, 900) == row
    with pytest.raises(OfficeError, match="before the device was registered"):
        await registry.register(DONGLE, ANA, 50)
    await registry.close_link(DONGLE, 500)
    assert await registry.register(DONGLE, ANA, 900) != row


async def test_a_link_carries_the_role_given_or_else_that_none_is_confirmed(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    await registry.close_link(DONGLE, 200)
    await registry.register(DONGLE, ANA, 200, "employee")
    await registry.close_link(DONGLE, 300)
    seen = [(link.role, link.from_ms, link.to_ms) for link in await links_seen(outbox, topics)]
    assert seen == [("unknown", 100, 200), ("employee", 200, 300)]


async def test_an_existing_link_keeps_its_role_and_another_is_refused(registry: Registry) -> None:
    row = await registry.register(DONGLE, ANA, 100, "driver")
    assert await registry.register(DONGLE, ANA, 100) == row
    assert await registry.register(DONGLE, ANA, 100, "driver") == row
    with pytest.raises(OfficeError, match="register another with this role"):
        await registry.register(DONGLE, ANA, 100, "minor")


async def test_a_device_cannot_be_registered_from_another_instant(registry: Registry) -> None:
    await registry.register_device(DONGLE, 50)
    with pytest.raises(OfficeError, match="already registered, from another instant"):
        await registry.register_device(DONGLE, 51)


async def test_a_device_is_given_a_service_once_and_never_another(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.register_device(DONGLE, 50)
    for service in ("linkdrive", None, "linkdrive"):
        assert await registry.register_device(DONGLE, 50, service) == row
    await registry.register(DONGLE, ANA, 60)
    await registry.register(DONGLE, ANA, 60, service="linkdrive")
    with pytest.raises(OfficeError, match="already registered as another service") as refusal:
        await registry.register_device(DONGLE, 50, "linkdrive_air")
    assert "dongle-1" not in str(refusal.value)
    await outbox.drain(topics.publish)
    rows = [row for row in topics.seen().values() if isinstance(row, DeviceRegistration)]
    assert rows == [DeviceRegistration(DONGLE, 50, "linkdrive")]
    # Announced as it became known and as it was given its service, and not again.
    assert len([one for one in topics.records if one.key == row.encode()]) <= 2


async def test_a_service_that_no_row_could_carry_is_refused(registry: Registry) -> None:
    for bad in ("", "Linkdrive", "link drive", "a" * 33, "linkdrive\n"):
        with pytest.raises(OfficeError, match="a service is named in small letters"):
            await registry.register_device(DONGLE, 50, bad)


async def test_a_second_subject_is_refused_while_the_first_link_is_open(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    with pytest.raises(OfficeError, match="close the earlier link first") as refusal:
        await registry.register(DONGLE, BEN, 200)
    assert "dongle-1" not in str(refusal.value)
    assert "ben" not in str(refusal.value)
    assert [link.subject for link in await links_seen(outbox, topics)] == [ANA]


async def test_two_writers_at_once_cannot_both_link_a_device(registry: Registry) -> None:
    await registry.register_device(DONGLE, 0)
    both = await asyncio.gather(
        registry.link(DONGLE, ANA, 100), registry.link(DONGLE, BEN, 100), return_exceptions=True
    )
    assert {type(answer) for answer in both} == {OfficeError, str}


async def test_a_link_cannot_begin_before_its_device_is_registered(registry: Registry) -> None:
    with pytest.raises(OfficeError, match="register it first"):
        await registry.link(DONGLE, ANA, 100)
    await registry.register_device(DONGLE, 100)
    with pytest.raises(OfficeError, match="before the device was registered"):
        await registry.link(DONGLE, ANA, 99)


async def test_a_device_without_an_open_link_has_none_to_end(registry: Registry) -> None:
    with pytest.raises(OfficeError, match="no open link"):
        await registry.close_link(DONGLE, 100)


async def test_a_link_that_has_not_begun_is_emptied(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    """A date mistyped into next year locks nobody out."""
    await registry.register_device(DONGLE, 50)
    slip = await registry.register(DONGLE, ANA, 9_000)
    assert await registry.close_link(DONGLE, 100) == slip
    assert await registry.close_link(DONGLE, 100) == slip
    right = await registry.register(DONGLE, ANA, 100)
    seen = await links_seen(outbox, topics)
    assert {(link.link, link.from_ms, link.to_ms) for link in seen} == {
        (slip, 9_000, 9_000),
        (right, 100, None),
    }
    assert await registry.close_link(DONGLE, 200) == right


async def test_a_link_that_has_begun_is_emptied_only_if_that_is_meant(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    """A date mistyped into last year takes no recorded drive from anybody."""
    await registry.register_device(DONGLE, 50)
    row = await registry.register(DONGLE, ANA, 200)
    with pytest.raises(OfficeError, match="began after that instant"):
        await registry.close_link(DONGLE, 199, begun_by_ms=200)
    assert [link.to_ms for link in await links_seen(outbox, topics)] == [None]
    # It had not begun yet; or it is meant.
    assert await registry.close_link(DONGLE, 199, begun_by_ms=199) == row
    assert [link.to_ms for link in await links_seen(outbox, topics)] == [200]
    again = await registry.register(DONGLE, ANA, 300)
    assert await registry.close_link(DONGLE, 250) == again


async def test_a_link_ends_at_its_beginning_or_later_without_more(registry: Registry) -> None:
    row = await registry.register(DONGLE, ANA, 200)
    assert await registry.close_link(DONGLE, 200, begun_by_ms=900) == row


async def test_a_device_linked_to_nobody_may_be_known_from_earlier_on(registry: Registry) -> None:
    row = await registry.register_device(DONGLE, 9_000)
    assert await registry.register_device(DONGLE, 50) == row
    other = DeviceId("dongle-2")
    await registry.register(other, ANA, 9_000)
    await registry.close_link(other, 100)
    await registry.register(other, ANA, 100)
    with pytest.raises(OfficeError, match="already registered, from another instant"):
        await registry.register_device(other, 50)


@pytest.mark.parametrize("bad", ["", "a b", "tab\t", "x" * 65])
async def test_ids_that_no_envelope_could_carry_are_refused(registry: Registry, bad: str) -> None:
    with pytest.raises(OfficeError, match="printable characters"):
        await registry.register(DeviceId(bad), ANA, 100)
    with pytest.raises(OfficeError, match="printable characters"):
        await registry.register(DONGLE, SubjectId(bad), 100)


async def test_a_fleet_is_registered_whole_or_not_at_all(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    overlapping = [NewLink(DONGLE, ANA, 100), NewLink(DONGLE, BEN, 150)]
    with pytest.raises(OfficeError):
        await registry.register_fleet([NewLink(DeviceId("other"), ANA, 1), *overlapping])
    assert await outbox.drain(topics.publish) == 0


async def test_a_thousand_vehicles_arrive_in_order_devices_before_their_links(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    fleet = [NewLink(DeviceId(f"d{n}"), SubjectId(f"s{n}"), 100 + n) for n in range(1000)]
    answer = await registry.register_fleet(fleet)
    assert await registry.register_fleet(fleet) == answer
    assert await outbox.drain(topics.publish) == 2000
    rows = list(topics.seen().values())
    assert [row.registered_ms for row in rows if isinstance(row, DeviceRegistration)] == [
        new.from_ms for new in fleet
    ]
    assert [row.link for row in rows if isinstance(row, LinkInterval)] == answer.links


SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.none() | st.integers(1, 4)).map(
        lambda span: Interval(span[0], None if span[1] is None else span[0] + span[1])
    ),
    max_size=6,
)


@settings(max_examples=examples(40), deadline=None)
@given(SPANS)
def test_whatever_is_asked_no_instant_of_a_device_ever_has_two_links(
    spans: list[Interval],
) -> None:
    with TemporaryDirectory() as folder:
        accepted = asyncio.run(_accepted(folder, spans))
    for instant in range(14):
        assert sum(span.holds(instant) for span in accepted) <= 1
    for span in set(spans) - set(accepted):
        assert any(span.overlaps(held) for held in accepted)


async def _accepted(folder: str, spans: list[Interval]) -> list[Interval]:
    database = await Database.create(Path(folder) / "office.sqlite")
    registry = Registry(database)
    await registry.register_device(DONGLE, 0)
    accepted: list[Interval] = []
    try:
        for number, span in enumerate(spans):
            with contextlib.suppress(OfficeError):
                await registry.link(DONGLE, SubjectId(f"s{number}"), *span)
                accepted.append(span)
    finally:
        await database.close()
    return accepted
