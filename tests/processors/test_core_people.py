"""People in the core: told of changes as the packed ones tell, and usual rows known by their bytes."""

import random

from bus.partitions import partition_for
from office.store.row_ids import new_row_id
from processors.core_people import CorePeople
from processors.packed_people import PackedPeople
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    LinkInterval,
    encode_row,
)
from telemetry.wire.topic_contents import row_hash
from tests.processors.test_people import KEYS, random_row
from tests.support.ready_batches import needs_core

pytestmark = needs_core

KEY = new_row_id()
DEVICE, SUBJECT, SECRET = DeviceId("d-1"), SubjectId("s-1"), LinkSecret(bytes(range(32)))
REGISTRATION = DeviceRegistration(DEVICE, 5)
OF_SERVICE = DeviceRegistration(DEVICE, 5, "linkdrive_pro")
LINK = LinkInterval(KEY, DEVICE, SUBJECT, SECRET, 0, None, "driver")
CONSENT = ConsentInterval(KEY, SUBJECT, "p", "opt_in", None, "n@1", 10, 253_402_300_799_999)
LINKS = (DeviceRegistration, LinkInterval)


def taken(people: CorePeople, kinds: tuple[type[ControlRow], ...], value: bytes | None) -> bool:
    """Whether this value under ``KEY`` is a usual row."""
    rows = people.usual_rows(b"l", kinds)
    return rows.take_usual([KEY.encode()], [value], 0, 0, 1).until == 1


def test_changes_are_told_in_the_order_and_bounds_of_the_packed_ones() -> None:
    for seed in range(5):
        chance = random.Random(seed)
        packed, core = PackedPeople(), CorePeople(changes_kept_max=50)
        for _ in range(200):
            key = chance.choice(KEYS)
            began = packed.changes.position
            if chance.random() < 0.15:
                assert core.withhold(key) == packed.withhold(key)
            else:
                row = random_row(chance, key)
                packed.apply(key, row)
                core.apply(key, row)
            assert core.changes.position == packed.changes.position
            assert core.changes.since(began) == packed.changes.since(began)
        last = packed.changes.position
        assert core.changes.since(last - 50) == packed.changes.since(last - 50)
        assert core.changes.since(last - 51) is None


def test_rows_as_the_office_writes_them_are_usual() -> None:
    for row, kinds in (
        (REGISTRATION, LINKS),
        (OF_SERVICE, LINKS),
        (DeviceRegistration(DEVICE, 5, "a" * 32), LINKS),
        (LINK, LINKS),
        (CONSENT, (ConsentInterval,)),
        (
            ConsentInterval(KEY, SUBJECT, "p", "third_party", "r", "n@1", 0, None),
            (ConsentInterval,),
        ),
    ):
        core, packed = CorePeople(), PackedPeople()
        value = encode_row(row)
        assert taken(core, kinds, value)
        packed.apply(b"l" + KEY.encode(), row)
        assert core.consents_of("s-1") == packed.consents_of("s-1")
        assert core.registered_ms("d-1") == packed.registered_ms("d-1")
        assert core.services("d-1") == packed.services("d-1")
        assert core.link_at("d-1", 7) == packed.link_at("d-1", 7)
        assert core.row_hash(b"l" + KEY.encode()) == row_hash(KEY.encode(), value)


def test_whatever_is_written_otherwise_is_not_usual_and_changes_nothing() -> None:
    value = encode_row(REGISTRATION)
    link = encode_row(LINK)
    of_service = encode_row(OF_SERVICE)
    people = CorePeople()
    for other in (
        None, b"", b"{", b"[" * 1000, b"\xff" + value, value + b" ", value[:-1],
        value.replace(b":5", b":-5"), value.replace(b":5", b":5.0"), value.replace(b":5", b":05"),
        value.replace(b":5", b":253402300800000"), value.replace(b":5", b":" + b"9" * 40),
        value.replace(b"d-1", b"\\u0064-1"), value.replace(b"d-1", "é".encode()),
        value.replace(b'"kind"', b'"kind":"device","kind"'), value.replace(b"}", b',"more":1}'),
        encode_row(CONSENT), encode_row(LinkInterval("x" * 26, DEVICE, SUBJECT, SECRET, 0, None)),
        link.replace(b"driver", b"nobody"), link.replace(b',"role":"driver"', b""),
        encode_row(LinkInterval(KEY, DEVICE, SUBJECT, LinkSecret(b"short"), 0, None)),
        of_service.replace(b'"linkdrive_pro"', b"null"), of_service.replace(b"linkdrive_pro", b""),
        of_service.replace(b"linkdrive_pro", b"Pro"), of_service.replace(b"linkdrive_pro", b"a" * 33),
    ):  # fmt: skip
        assert not taken(people, LINKS, other), other
    assert people.changes.position == 0
    assert taken(people, LINKS, value)


def test_a_row_of_another_partition_and_one_without_an_offices_key_stop_it() -> None:
    people = CorePeople()
    rows = people.usual_rows(b"l", LINKS)
    value = encode_row(REGISTRATION)
    keys = [new_row_id().encode() for _ in range(40)]
    for partition in range(3):
        mine = [key for key in keys if partition_for(key, 3) == partition]
        other = next(key for key in keys if key not in mine)
        for stop in (other, None, b"odd", mine[0] + b"A"):
            given = [*mine, stop, *mine]
            found = rows.take_usual(given, [value] * len(given), 0, partition, 3)
            assert found.until == len(mine)
            after = rows.take_usual(given, [value] * len(given), len(mine) + 1, partition, 3)
            assert after == (len(given), 0, 0)
    assert rows.take_usual([], [], 0, 0, 3) == (0, 0, 0)
    assert rows.take_usual(list(keys), [value], 0, 0, 0).until == 0
