"""What every implementation of ``People`` has to answer, whatever comes and in whatever order."""

import random
from collections.abc import Callable, Sequence

import pytest

import processors.compact.cells
from office.store.row_ids import new_row_id
from processors.compact.cells import NOTHING, Cells, Kind
from processors.compact.names import Names
from processors.compact.row_keys import code_of, id_of
from processors.compact.terms import Terms
from processors.core_people import CorePeople
from processors.packed_people import PackedPeople
from processors.people import People
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
    RestrictionReason,
    Role,
)
from tests.processors.plain_people import PlainPeople
from tests.support.ready_batches import needs_core

MAKERS = [
    pytest.param(PackedPeople, id="packed"),
    pytest.param(CorePeople, id="core", marks=needs_core),
]
"""Another implementation joins here."""

OFFICE_IDS = [new_row_id() for _ in range(4)]
KEYS = [
    *[f"l{one}".encode() for one in OFFICE_IDS],
    *[f"c{one}".encode() for one in OFFICE_IDS],
    *[one.encode() for one in OFFICE_IDS],
    b"", b"k", b"\xff\x00", OFFICE_IDS[0].lower().encode(), b"k" * 300,
]  # fmt: skip
NAMES = [
    "d1", "d2", "", "x", "12345678", "1234567890123456", "12345678901234567", "é" * 20, "日" * 21,
    "z" * 64, "z" * 65, "日" * 64, "\udcff", "\x00",
]  # fmt: skip
ROLES: list[Role] = ["driver", "owner", "unknown", "minor"]
INSTANTS_MS = [-5, 0, 10, 20, 30, 253_402_300_799_999]


def random_row(chance: random.Random, key: bytes) -> ControlRow | None:
    pick = chance.choice
    from_ms, to_ms = pick(INSTANTS_MS), pick([None, None, *INSTANTS_MS])
    own = key[-26:].decode("utf-8", "replace")
    name = pick([own, own, own, "another", pick(OFFICE_IDS)])
    kind = chance.randrange(12)
    if kind == 0:
        return pick([None, None, Heartbeat(1, 1)])
    if kind <= 3:
        service = pick([None, None, "linkdrive", "linkdrive_air", "a"])
        return DeviceRegistration(DeviceId(pick(NAMES)), from_ms, service)
    subject = SubjectId(pick(NAMES))
    if kind <= 6:
        secret = LinkSecret(chance.randbytes(pick([32, 32, 32, 1, 31, 33, 64])))
        role = pick(ROLES)
        return LinkInterval(name, DeviceId(pick(NAMES)), subject, secret, from_ms, to_ms, role)
    if kind >= 10:
        meant = pick([None, "a"]), pick([None, "insurer"])
        reason: RestrictionReason = pick(["erased", "objected"])
        return Restriction(name, subject, reason, *meant, from_ms, to_ms)
    if kind == 7:
        return ConsentInterval(name, subject, "a", "location", None, "n@1", from_ms, to_ms)
    return ConsentInterval(name, subject, "b", "third_party", "insurer", "n@2", from_ms, to_ms)


def answers(people: People | PlainPeople, names: Sequence[str] = NAMES) -> list[object]:
    """All that can be asked."""
    found: list[object] = [people.row_hash(key) for key in KEYS]
    for name in names:
        found += [people.registered_ms(name), set(people.services(name)), people.consents_of(name)]
        found.append(people.restrictions_of(name))
        found += [people.link_at(name, at_ms) for at_ms in (-6, 0, 5, 15, 25, 35)]
    return found


def test_every_history_is_answered_alike_though_all_share_a_bucket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processors.compact.cells, "hash", lambda _: 7, raising=False)
    test_every_history_is_answered_as_plain_rows_answer_it(PackedPeople)


@pytest.mark.parametrize("make", MAKERS)
def test_every_history_is_answered_as_plain_rows_answer_it(make: Callable[[], People]) -> None:
    for seed in range(8):
        chance = random.Random(seed)
        people, plain = make(), PlainPeople()
        for _ in range(150):
            key = chance.choice(KEYS)
            if chance.random() < 0.15:
                assert people.withhold(key) == plain.withhold(key)
            else:
                row = random_row(chance, key)
                people.apply(key, row)
                plain.apply(key, row)
            if key in plain.rows and chance.random() < 0.7:
                hashed = chance.getrandbits(128)
                people.keep_hash(key, hashed)
                plain.keep_hash(key, hashed)
            some = chance.sample(NAMES, 3)
            assert answers(people, some) == answers(plain, some), f"seed {seed}"
        assert answers(people) == answers(plain), f"seed {seed}"


@pytest.mark.parametrize("make", MAKERS)
def test_the_order_in_which_rows_come_changes_no_answer(make: Callable[[], People]) -> None:
    chance = random.Random(5)
    for _ in range(20):
        rows = {key: random_row(chance, key) for key in KEYS}
        found = []
        for _ in range(4):
            people = make()
            for key, row in chance.sample(list(rows.items()), len(rows)):
                people.apply(key, row)
            found.append(answers(people))
        assert found[1:] == found[:-1]


@pytest.mark.parametrize("make", MAKERS)
def test_whose_rows_changed_is_told(make: Callable[[], People]) -> None:
    for seed in range(5):
        chance = random.Random(seed)
        people = make()
        for _ in range(60):
            key = chance.choice(KEYS)
            before = {name: answers(people, [name])[len(KEYS) :] for name in NAMES}
            began = people.changes.position
            if chance.random() < 0.15:
                people.withhold(key)
            else:
                people.apply(key, random_row(chance, key))
            told = {one.name for one in people.changes.since(began) or ()}
            after = {name: answers(people, [name])[len(KEYS) :] for name in NAMES}
            assert {name for name in NAMES if after[name] != before[name]} <= told


@pytest.mark.parametrize("make", MAKERS)
def test_many_rows_are_found_again_and_forgotten(make: Callable[[], People]) -> None:
    people = make()
    rows = {}
    for number in range(3_000):
        name = new_row_id()
        device, subject = DeviceId(f"device-{number}"), SubjectId(f"subject-{number % 700}")
        rows[f"l{name}".encode()] = LinkInterval(
            name, device, subject, LinkSecret(bytes(32)), number, None, "driver"
        )
    for key, row in rows.items():
        people.apply(key, row)
    for row in rows.values():
        assert people.link_at(row.device, 3_000)[0] == row
    for key in list(rows)[::2]:
        people.apply(key, None)
    for place, row in enumerate(rows.values()):
        assert (people.link_at(row.device, 3_000)[0] is None) == (place % 2 == 0)


@pytest.mark.parametrize("make", MAKERS)
def test_a_hash_of_a_row_that_is_not_there_is_not_kept(make: Callable[[], People]) -> None:
    with pytest.raises(KeyError):
        make().keep_hash(b"k", 1)


def test_a_deleted_row_leaves_no_byte_of_its_secret_or_its_people() -> None:
    people = PackedPeople()
    secret = bytes(range(1, 33))
    for key in (f"l{OFFICE_IDS[0]}".encode(), b"odd"):
        name = key[1:].decode()
        row = LinkInterval(
            name,
            DeviceId("planted-device"),
            SubjectId("planted-subject"),
            LinkSecret(secret),
            0,
            None,
        )
        people.apply(key, row)
        assert secret in held(people) and b"planted-device" in held(people)
        people.apply(key, None)
        assert secret not in held(people) and b"planted" not in held(people)


def held(people: PackedPeople) -> bytes:
    rows = people._rows
    return b"".join(
        run
        for cells in (rows._cells, rows.devices._cells, rows.subjects._cells)
        for run in cells._bytes
    )


def test_room_that_was_given_back_is_used_again() -> None:
    people = PackedPeople()
    sizes = set()
    for number in range(2_000):
        name = new_row_id()
        row = ConsentInterval(name, SubjectId(f"s{number}"), "a", "location", None, "n", 0, None)
        people.apply(name.encode(), row)
        people.apply(name.encode(), None)
        sizes.add(len(held(people)))
    assert len(sizes) == 1


def test_keys_of_the_office_are_packed_and_no_two_alike() -> None:
    chance = random.Random(1)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    codes: dict[bytes, bytes] = {}
    for _ in range(3_000):
        text = bytes(chance.choice(alphabet) for _ in range(26))
        key = chance.choice([b"", b"l", b"c", b"\xff"]) + text
        code = code_of(key)
        if code is not None:
            assert codes.setdefault(code, key) == key
            assert id_of(code).encode() == text
    assert len(codes) > 500
    for odd in (b"", b"A" * 25, b"a" * 26, b"0" * 26, b"_" * 26, b" " * 26, b"+" + b"A" * 25,
                b"A" * 25 + b"B", b"\0" + b"A" * 26, b"A" * 28):  # fmt: skip
        assert code_of(odd) is None, odd


def test_terms_that_have_no_number_left_are_kept_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.compact.terms.NUMBERS_MAX", 3)
    terms = Terms()
    asked = [(f"p{n}", "location", None, "n") for n in range(5)]
    numbers = [terms.number(one, row) for row, one in enumerate(asked)]  # type: ignore[arg-type]  # the word is one of a basis
    assert [terms.of(row, number) for row, number in enumerate(numbers)] == asked
    terms.forget(4)
    with pytest.raises(KeyError):
        terms.of(4, numbers[4])


def test_a_name_lives_as_long_as_it_is_held() -> None:
    names = Names()
    for name in NAMES:
        first, _ = names.hold(name)
        again, _ = names.hold(name, 9)
        assert first == again == names.find(name) and names.text(first) == name
        assert names.head(first) == 9
        names.release(first)
        assert names.find(name) == first
        names.release(first)
        assert names.find(name) == NOTHING


def test_no_growth_touches_more_than_one_bucket() -> None:
    cells = Cells([Kind(8, 0)])
    longest = 0
    for number in range(20_000):
        heads = list(cells._heads) if number % 500 == 0 else []
        cells.add(0, number.to_bytes(8, "big"))
        if heads:
            changed = sum(a != b for a, b in zip(heads, cells._heads, strict=False))
            longest = max(longest, changed)
    assert longest <= 2
    assert all(cells.find(n.to_bytes(8, "big")) for n in range(20_000))
