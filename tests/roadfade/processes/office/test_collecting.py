"""The office keeps each device's list true: what shrinks it does so within one round."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from office.collection_lists import KeptList
from office.outbox import Outbox
from office.ports import ControlRecord
from office.published_changes import PublishedChanges
from office.registry.devices import register_devices
from office.registry.registry import Registry
from office.store.collection_tables import COLLECTION_LISTS
from office.store.database import Database
from office.store.tables import DEVICES, LINKS
from policy.plan.consents import Grantable
from policy.plan.plan import Plan
from policy.vocabulary.operations import Keep
from roadfade.collection.keys import known_keys, rotate
from roadfade.collection.signed_lists import verified
from roadfade.processes.office import collecting
from roadfade.processes.office.collecting import Collecting
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, format_instant, parse_instant
from telemetry.topics import CONTROL_COLLECTION
from telemetry.wire.collection_list import CollectionList
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.plans import FUEL, LOCATION, PLAN, SPEED, lane, output, plan
from tests.support.small_house import NOW_MS, Clock

DEVICE, ANA, BEN = DeviceId("dongle-1"), SubjectId("person-ana"), SubjectId("person-ben")
CONSENTED = Grantable("service", "location", None, "service@1")
AGREED = plan(
    output(
        "service",
        [
            lane("a", 30, 1, {LATITUDE: (Keep(),), LONGITUDE: (Keep(),)}, LOCATION),
            lane("b", 30, 1, {FUEL: (Keep(),)}, not_for={FUEL: ("minor",)}),
        ],
    )
)
NEXT = replace(plan(output("service", [lane("b", 30, 1, {SPEED: (Keep(),)})])), version=4)
EVERYTHING = {LATITUDE, LONGITUDE, FUEL}


class Versions:
    """The plan in force, and one that takes over if there is one."""

    def __init__(self) -> None:
        self.plans: list[tuple[int, Plan]] = [(0, AGREED)]

    def periods(self, from_ms: int, until_ms: int) -> list[tuple[int, int, Plan]]:
        ends = [since_ms for since_ms, _ in (*self.plans[1:], (until_ms, None))][: len(self.plans)]
        found = [
            (max(from_ms, since_ms), min(until_ms, end_ms), one)
            for (since_ms, one), end_ms in zip(self.plans, ends, strict=True)
        ]
        return [one for one in found if one[0] < one[1]]


class House:
    """An office's rounds: it publishes, makes lists, and publishes those."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.clock, self.versions, self.changes = Clock(), Versions(), PublishedChanges()
        self.outbox = Outbox(database, self.clock, self.changes)
        self.registry = Registry(database, {CONSENTED: {}})
        self.collecting = Collecting(settings, database, self.versions, self.changes, self.clock)
        self.topic: dict[bytes, bytes] = {}
        self.published = 0

    async def publish(self, records: Sequence[ControlRecord]) -> None:
        for one in records:
            if one.topic == CONTROL_COLLECTION:
                self.published += one.value is not None
                if one.value is None:
                    self.topic.pop(one.key, None)
                else:
                    self.topic[one.key] = one.value

    async def round(self) -> None:
        await self.outbox.drain(self.publish)
        assert await self.collecting._attempt("collection lists", self.collecting.turn)
        await self.outbox.drain(self.publish)

    def now(self) -> dict[str, CollectionList]:
        """What lies on the topic, checked as a device does."""
        file = self.settings.collection_key_file
        keys = json.dumps(known_keys(file).public_set(self.clock())).encode()
        found = [verified(value, keys) for value in self.topic.values()]
        assert len({one.device for one in found}) == len(found)
        return {one.device: one for one in found}

    async def paths(self) -> set[str]:
        """What the device is to collect, after one round."""
        await self.round()
        listed = (await asyncio.to_thread(self.now))[DEVICE]
        assert parse_instant(listed.issued_at) <= self.clock() < parse_instant(listed.valid_until)
        found = {one.path for one in listed.signals}
        assert listed.location == (LATITUDE in found)
        return found


@pytest.fixture
async def house(settings: Settings, database: Database) -> House:
    found = House(settings, database)
    await found.registry.register(DEVICE, ANA, NOW_MS - DAY_MS)
    await found.registry.grant(ANA, *CONSENTED, NOW_MS - DAY_MS)
    assert await found.paths() == EVERYTHING
    return found


async def test_a_list_names_no_person_purpose_or_recipient(house: House) -> None:
    (key,) = house.topic
    (listed,) = (await asyncio.to_thread(house.now)).values()
    text = json.dumps([one.path for one in listed.signals]) + repr(listed.location)
    assert DEVICE.encode() not in key and ANA not in text and "service" not in text
    assert set(listed.__struct_fields__) == {
        "v", "device", "policy_version", "issued_at", "valid_until", "serial", "signals", "location",
    }  # fmt: skip


Change = Callable[[House], Coroutine[Any, Any, object]]


async def forget_the_link(house: House) -> None:
    async with house.database.reading() as connection:
        link = await connection.scalar(select(LINKS.c.link))
    await house.registry.delete_link(link or "")


async def relink(house: House) -> None:
    await house.registry.close_link(DEVICE, NOW_MS)
    await house.registry.link(DEVICE, BEN, NOW_MS, role="minor")


async def go_over(house: House) -> None:
    house.versions.plans = [(0, NEXT)]


SHRINKS: dict[str, tuple[Change, set[str]]] = {
    "withdrawal": (lambda h: h.registry.withdraw(ANA, "service", None, NOW_MS), {FUEL}),
    "objection": (lambda h: h.registry.object_to(ANA, "service", None, NOW_MS), set()),
    "objection to everything": (lambda h: h.registry.object_to(ANA, None, None, NOW_MS), set()),
    "erasure": (lambda h: h.registry.restrict(ANA, "erased", None, None, 0), set()),
    "unlinked": (lambda h: h.registry.close_link(DEVICE, NOW_MS), set()),
    "link forgotten": (forget_the_link, set()),
    "sold to a child": (relink, set()),
    "policy": (go_over, {SPEED}),
}


@pytest.mark.parametrize("name", SHRINKS)
async def test_whatever_closes_a_route_takes_its_signals_out_within_one_round(
    house: House, name: str
) -> None:
    (before,) = (await asyncio.to_thread(house.now)).values()
    change, left = SHRINKS[name]
    await change(house)
    assert await house.paths() == left
    (after,) = (await asyncio.to_thread(house.now)).values()
    assert after.serial > before.serial and len(house.topic) == 1


async def test_a_device_that_is_no_more_has_no_list(house: House) -> None:
    await forget_the_link(house)
    async with house.database.writing() as connection:
        await connection.execute(delete(DEVICES))
    await house.round()
    assert house.topic == {}


async def test_what_ends_later_is_on_the_list_until_then_and_no_round_longer(house: House) -> None:
    await house.registry.withdraw(ANA, "service", None, NOW_MS + HOUR_MS)
    assert await house.paths() == EVERYTHING
    house.clock.now_ms += HOUR_MS - 1
    assert await house.paths() == EVERYTHING
    house.clock.now_ms += 1
    assert await house.paths() == {FUEL}


async def test_a_version_that_takes_over_during_a_lists_life_is_on_it_before(house: House) -> None:
    house.versions.plans.append((NOW_MS + HOUR_MS, NEXT))
    assert await house.paths() == EVERYTHING | {SPEED}
    house.clock.now_ms += HOUR_MS
    assert await house.paths() == {SPEED}


async def test_a_list_is_made_anew_in_half_its_life_and_not_before(house: House) -> None:
    assert house.published == 1
    for hours in (1, 10, 11.9):
        house.clock.now_ms = NOW_MS + int(hours * HOUR_MS)
        await house.round()
    assert house.published == 1
    house.clock.now_ms = NOW_MS + 12 * HOUR_MS
    await house.round()
    (listed,) = (await asyncio.to_thread(house.now)).values()
    assert (house.published, listed.valid_until) == (2, format_instant(NOW_MS + 36 * HOUR_MS))


async def test_nothing_is_made_anew_for_what_changes_nothing(house: House) -> None:
    await house.registry.register(DeviceId("dongle-2"), BEN, NOW_MS)
    await house.registry.object_to(ANA, "other", None, NOW_MS)
    await house.round()
    assert house.published == 2  # the other device's first


async def test_a_new_key_signs_every_list_anew_and_the_former_ones_hold_until_they_end(
    house: House,
) -> None:
    file = house.settings.collection_key_file
    (old,) = house.topic.values()
    keys = await asyncio.to_thread(rotate, file, NOW_MS, DAY_MS)
    assert await house.paths() == EVERYTHING
    assert house.topic != {} and old not in house.topic.values()
    assert verified(old, json.dumps(keys.public_set(NOW_MS)).encode()).device == DEVICE


async def test_what_another_process_published_is_looked_at_too(house: House) -> None:
    await house.registry.withdraw(ANA, "service", None, NOW_MS)
    await Outbox(house.database, house.clock).drain(house.publish)
    assert await house.paths() == {FUEL}


async def test_what_could_not_be_dealt_with_is_dealt_with_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.registry.withdraw(ANA, "service", None, NOW_MS)
    await house.outbox.drain(house.publish)

    def fails(*_: object, **__: object) -> list[KeptList]:
        raise OSError

    monkeypatch.setattr(Collecting, "_made", fails)
    assert not await house.collecting._attempt("collection lists", house.collecting.turn)
    monkeypatch.undo()
    assert await house.paths() == {FUEL}


async def test_while_no_version_is_in_force_no_list_is_made(
    settings: Settings, database: Database
) -> None:
    house = House(settings, database)
    house.versions.plans = []
    await house.registry.register(DEVICE, ANA, NOW_MS - DAY_MS)
    await house.round()
    assert house.topic == {}
    house.versions.plans = [(0, PLAN)]
    assert FUEL in await house.paths()


async def register(house: House, count: int) -> None:
    wanted = {DeviceId(f"d-{number:04d}"): NOW_MS for number in range(count)}
    async with house.database.writing() as connection:
        await register_devices(connection, wanted)


async def test_many_devices_take_several_turns_and_a_withdrawal_goes_before_them(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "DEVICES_A_TURN", 5)
    house = House(settings, database)
    await register(house, 11)
    last = DeviceId("z")
    await house.registry.register(last, ANA, NOW_MS - DAY_MS)
    await house.round()
    assert len(house.topic) == 5 and house.collecting._more
    await house.registry.object_to(ANA, "other", None, NOW_MS)
    await house.round()
    assert last in await asyncio.to_thread(house.now) and house.collecting._more
    await house.round()
    assert len(house.topic) == 12 and not house.collecting._more


async def test_nothing_is_renewed_while_many_rows_wait(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "WAITING_MAX", 10)
    await register(house, 11)
    house.clock.now_ms += DAY_MS
    await house.collecting.turn()
    async with house.database.reading() as connection:
        assert await connection.scalar(select(func.max(COLLECTION_LISTS.c.serial))) == NOW_MS
    await house.round()
    assert len(house.topic) == 12


async def test_heartbeats_vouch_for_lists_and_nobody_takes_them_for_strangers(house: House) -> None:
    await house.outbox.republish_all()
    house.topic.clear()
    assert await house.outbox.drain(house.publish)
    assert DEVICE in await asyncio.to_thread(house.now)
