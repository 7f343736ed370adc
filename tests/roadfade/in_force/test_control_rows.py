"""A control row that cannot be read makes unknown what it might have said, and ends nothing."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest

from bus.failures import RowFault, UnreadableRowError
from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from bus.topics import TopicSpec
from processors.packed_people import PackedPeople
from processors.people import People
from processors.restrictions import unknown_restriction
from roadfade import metrics
from roadfade.in_force.control_rows import Rows, heartbeat_at
from roadfade.in_force.control_views import ControlViews, PeopleRows
from roadfade.in_force.published import PublishedVersions
from roadfade.in_force.quarantine import KEYS_MAX, UnreadableKeys
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.topics import (
    CONTROL,
    CONTROL_CONSENTS,
    CONTROL_LINKS,
    CONTROL_OF_WORKERS,
    CONTROL_POLICIES,
    HEARTBEAT_KEY,
)
from telemetry.wire.control import (
    ConsentInterval,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
    encode_row,
)
from telemetry.wire.publication import Publication, encode_publication
from tests.integration.bus_road import until

DEVICE, ANNA, BERT = DeviceId("d1"), SubjectId("anna"), SubjectId("bert")
FIRST = Publication("p", 1, 0, 0, {"policy.yaml": "one"})
GARBAGE: Mapping[str, bytes] = {
    "not JSON": b"\x00\xff garbage",
    "empty": b"",
    "no row": b'{"kind": "nothing"}',
    "deep": b"[" * 100_000,
    "latin": b'{"kind": "link\xe9"}',
    "beyond time": encode_row(DeviceRegistration(DEVICE, 0)).replace(b":0", b":1" + b"0" * 30),
    "no base64": b'{"kind":"link","link":"l1","device":"d1","subject":"a","secret":"!","from_ms":0,"to_ms":null}',
}


def link(name: str, subject: SubjectId) -> bytes:
    return encode_row(LinkInterval(name, DEVICE, subject, LinkSecret(b"s" * 32), 0, None))


def consent(name: str) -> bytes:
    return encode_row(ConsentInterval(name, ANNA, "study", "opt_in", None, "n@1", 0, None))


def erased(name: str) -> bytes:
    return encode_row(Restriction(name, ANNA, "erased", "study", None, 5, 9))


def set_aside(rows: Rows, key: bytes, value: bytes) -> RowFault:
    with pytest.raises(UnreadableRowError) as caught:
        rows.apply(key, value)
    return caught.value.fault


@pytest.fixture
def people() -> People:
    return PackedPeople()


@pytest.fixture
def links(people: People) -> PeopleRows:
    return PeopleRows(CONTROL_LINKS, people)


@pytest.fixture
def consents(people: People) -> PeopleRows:
    return PeopleRows(CONTROL_CONSENTS, people)


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_unreadable_link_leaves_nobody_linked_until_a_good_one(
    links: PeopleRows, people: People, value: bytes
) -> None:
    links.apply(b"l1", link("l1", ANNA))
    assert set_aside(links, b"l1", value) is RowFault.UNDECODABLE
    assert people.link_at("d1", 5)[0] is None
    assert not links.unreadable, "it is known whom it concerned: only that device waits"
    links.apply(b"l1", link("l1", ANNA))
    assert people.link_at("d1", 5)[0] is not None


def test_one_unreadable_link_of_two_does_not_make_the_other_hold(
    links: PeopleRows, people: People
) -> None:
    links.apply(b"l1", link("l1", ANNA))
    links.apply(b"l2", link("l2", BERT))
    assert people.link_at("d1", 5)[0] is None, "ambiguous"
    for _ in range(2):
        set_aside(links, b"l2", b"garbage")
    assert people.link_at("d1", 5)[0] is None
    links.apply(b"l2", None)
    found = people.link_at("d1", 5)[0]
    assert found is not None
    assert found.subject == ANNA


def test_an_unreadable_link_under_a_new_key_pauses_until_a_tombstone(links: PeopleRows) -> None:
    set_aside(links, b"new", b"garbage")
    assert links.unreadable
    links.apply(b"new", None)
    assert not links.unreadable


def test_an_unreadable_registration_makes_the_device_unknown(
    links: PeopleRows, people: People
) -> None:
    links.apply(b"r1", encode_row(DeviceRegistration(DEVICE, 7)))
    set_aside(links, b"r1", b"garbage")
    assert people.registered_ms("d1") is None


def test_an_unreadable_consent_permits_nothing_and_pauses_nobody(
    consents: PeopleRows, people: People
) -> None:
    consents.apply(b"c1", consent("c1"))
    set_aside(consents, b"c1", b"garbage")
    assert people.consents_of("anna") == []
    assert not consents.unreadable
    consents.apply(b"c1", consent("c1"))
    assert len(people.consents_of("anna")) == 1


@pytest.mark.parametrize("value", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_unreadable_restriction_keeps_back_all_of_its_subject_until_a_good_one(
    consents: PeopleRows, people: People, value: bytes
) -> None:
    consents.apply(b"x1", erased("x1"))
    for _ in range(2):
        assert set_aside(consents, b"x1", value) is RowFault.UNDECODABLE
        assert people.restrictions_of("anna") == [unknown_restriction(ANNA)]
    assert people.restrictions_of("bert") == []
    assert not consents.unreadable, "it is known whom it concerned"
    consents.apply(b"x1", erased("x1"))
    assert [row.restriction for row in people.restrictions_of("anna")] == ["x1"]


def test_an_unreadable_row_that_may_be_anybodys_objection_pauses_until_a_tombstone(
    consents: PeopleRows,
) -> None:
    set_aside(consents, b"new", b"garbage")
    assert consents.unreadable
    consents.apply(b"new", None)
    assert not consents.unreadable


FOREIGN = {
    "consent under another key": (CONTROL_CONSENTS, b"c2", consent("c1")),
    "link under another key": (CONTROL_LINKS, b"l2", link("l1", ANNA)),
    "restriction under another key": (CONTROL_CONSENTS, b"x2", erased("x1")),
    "restriction among links": (CONTROL_LINKS, b"x1", erased("x1")),
    "link among consents": (CONTROL_CONSENTS, b"l1", link("l1", ANNA)),
    "consent among links": (CONTROL_LINKS, b"c1", consent("c1")),
    "heartbeat under a row's key": (CONTROL_LINKS, b"l1", encode_row(Heartbeat(1, 1))),
}


@pytest.mark.parametrize(("topic", "key", "value"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_row_that_does_not_belong_is_foreign(
    people: People, topic: str, key: bytes, value: bytes
) -> None:
    assert set_aside(PeopleRows(topic, people), key, value) is RowFault.FOREIGN
    assert people.consents_of("anna") == []
    assert people.restrictions_of("anna") == []
    assert people.link_at("d1", 5)[0] is None


def test_a_key_of_one_topic_says_nothing_about_the_other(
    links: PeopleRows, consents: PeopleRows, people: People
) -> None:
    links.apply(b"l1", link("l1", ANNA))
    consents.apply(b"l1", None)
    set_aside(consents, b"l1", b"garbage")
    assert people.link_at("d1", 5)[0] is not None


POLICIES = {
    "garbage": (b"garbage", RowFault.UNDECODABLE),
    "another version": (encode_publication(FIRST), RowFault.FOREIGN),
    "no end of time": (b'{"v":1,"policy":"p","version":2,"effective_ms":1' + b"0" * 30
        + b',"published_ms":0,"sha256":"","files":{}}', RowFault.UNDECODABLE),
}  # fmt: skip


@pytest.mark.parametrize(("value", "fault"), POLICIES.values(), ids=POLICIES.keys())
def test_a_version_that_cannot_be_read_pauses_until_a_good_one(
    value: bytes, fault: RowFault
) -> None:
    published = PublishedVersions(FIRST)
    published.apply(FIRST.key, encode_publication(FIRST))
    assert set_aside(published, b"p@2", value) is fault
    assert published.unreadable
    second = Publication("p", 2, 0, 0, {"policy.yaml": "two"})
    published.apply(second.key, encode_publication(second))
    assert not published.unreadable
    assert published.in_force(1).current == second


def test_a_heartbeat_that_is_another_row_is_a_fault_of_the_heartbeat() -> None:
    for value in (*GARBAGE.values(), link("l1", ANNA)):
        with pytest.raises(UnreadableRowError) as caught:
            heartbeat_at(value)
        assert caught.value.fault is RowFault.HEARTBEAT


def test_more_keys_than_are_remembered_stay_unreadable() -> None:
    keys = UnreadableKeys()
    for n in range(KEYS_MAX + 1):
        keys.add(b"%d" % n)
    for n in range(KEYS_MAX + 1):
        keys.discard(b"%d" % n)
    assert keys


@pytest.mark.parametrize("topic", CONTROL_OF_WORKERS)
async def test_garbage_on_a_control_topic_ends_no_view_and_is_counted(
    people: People, topic: str
) -> None:
    broker = FakeBroker()
    rows: dict[str, Rows] = {
        CONTROL_LINKS: PeopleRows(CONTROL_LINKS, people),
        CONTROL_CONSENTS: PeopleRows(CONTROL_CONSENTS, people),
        CONTROL_POLICIES: PublishedVersions(FIRST),
    }
    async with broker.admin() as admin:
        await admin.create([TopicSpec(one, 1, {"cleanup.policy": "compact"}) for one in CONTROL])
    views = ControlViews(broker, rows, lambda: 0, 30_000)
    beat = Outgoing("", None, HEARTBEAT_KEY, encode_row(Heartbeat(0, 1)))
    count = metrics.QUARANTINED.labels(topic, "undecodable")
    before = count._value.get()
    reading = asyncio.create_task(views.run())
    for one in CONTROL:
        broker.feed(one, 0, beat)
    await until(lambda: views.pause_reason() is None, reading)
    broker.feed(topic, 0, Outgoing("", None, b"p@2", b"garbage"), beat)
    await until(lambda: count._value.get() == before + 1, reading)
    assert views.pause_reason() == f"unreadable {topic}"
    broker.feed(topic, 0, Outgoing("", None, b"p@2", None))
    await until(lambda: views.pause_reason() is None, reading)
    await views.stop()
    with suppress(asyncio.CancelledError):
        await reading
