"""An answer is void if its device's or its subject's rows changed, and only then."""

import random

import pytest

import processors.device_answers
from policy.vocabulary.operations import Keep
from processors.changes import Change, Changes
from processors.latest import Latest
from processors.packed_people import PackedPeople
from processors.people import People
from processors.permit import permit
from processors.processor import Processor
from processors.state.bins import Room
from processors.tally import Tally
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
    RestrictionReason,
)
from tests.support.plans import LOCATION, SPEED, THIRD_PARTY, lane, output, plan
from tests.support.worlds import NOW_MS, World, column, envelope

AGREED = plan(
    output("service", [lane("30d", 30, 1_000, {SPEED: (Keep(),)}, LOCATION)]),
    output(
        "sharing", [lane("30d", 30, 60_000, {SPEED: (Keep(),)}, THIRD_PARTY)], recipient="insurer"
    ),
)
DEVICES = [f"dev-{n}" for n in range(4)]
SUBJECTS = [f"subject-{n}" for n in range(3)]
EDGES_MS = [NOW_MS + n * 5 * MINUTE_MS for n in range(-4, 5)] + [NOW_MS - DAY_MS]


def registration(device: str, from_ms: int = NOW_MS - DAY_MS) -> DeviceRegistration:
    return DeviceRegistration(DeviceId(device), from_ms)


def link(name: str, device: str, subject: str, from_ms: int, to_ms: int | None) -> LinkInterval:
    secret = LinkSecret(name.encode().ljust(32, b"-"))
    return LinkInterval(
        name, DeviceId(device), SubjectId(subject), secret, from_ms, to_ms, "driver"
    )


def consent(
    name: str, subject: str, from_ms: int, to_ms: int | None, *, shared: bool = False
) -> ConsentInterval:
    who = SubjectId(subject)
    if shared:
        return ConsentInterval(
            name, who, "sharing", "third_party", "insurer", "sharing@1", from_ms, to_ms
        )
    return ConsentInterval(name, who, "service", "location", None, "service@1", from_ms, to_ms)


def restriction(
    name: str,
    subject: str,
    reason: RestrictionReason,
    from_ms: int,
    to_ms: int | None,
    purpose: str | None = None,
    recipient: str | None = None,
) -> Restriction:
    return Restriction(name, SubjectId(subject), reason, purpose, recipient, from_ms, to_ms)


def random_row(chance: random.Random) -> tuple[bytes, ControlRow | None]:
    """Few names and few instants, so that rows meet, replace and overlap each other."""
    from_ms = chance.choice(EDGES_MS)
    to_ms = chance.choice([None, None, *EDGES_MS])
    number = chance.randrange(5)
    kind = chance.choice("rlllccccxx0")
    if kind == "r":
        device = chance.choice(DEVICES)
        return b"r" + device.encode(), registration(device, chance.choice(EDGES_MS) - DAY_MS)
    if kind == "l":
        name = f"l{number}"
        row = link(name, chance.choice(DEVICES), chance.choice(SUBJECTS), from_ms, to_ms)
        return name.encode(), row
    if kind == "c":
        name = f"c{number}"
        return name.encode(), consent(
            name, chance.choice(SUBJECTS), from_ms, to_ms, shared=chance.random() < 0.4
        )
    if kind == "x":
        name = f"x{number}"
        return name.encode(), restriction(
            name,
            chance.choice(SUBJECTS),
            chance.choice(["erased", "erased", "objected"]),
            from_ms,
            to_ms,
            purpose=chance.choice([None, None, "service", "sharing", "another"]),
            recipient=chance.choice([None, None, None, "insurer"]),
        )
    return f"{chance.choice('lcx')}{number}".encode(), chance.choice([None, Heartbeat(1, 1)])


def random_envelope(chance: random.Random) -> bytes:
    step_ms = chance.choice([1_000, 1_000, 1_000, 17 * MINUTE_MS, 2 * HOUR_MS])
    return envelope(
        {SPEED: column("km/h", [40.0, 41.0], step_ms)},
        at_ms=NOW_MS + chance.randrange(-30, 20) * MINUTE_MS,
        device=chance.choice([*DEVICES, "stranger"]),
        id=f"01K{chance.randrange(10**9):023d}",
    )


def test_what_is_kept_is_what_would_be_answered() -> None:
    for seed in range(60):
        chance = random.Random(seed)
        one = World(AGREED)
        processors_ = [
            Processor(one.program, one.people, one.keys, lambda _, key: key[0] % 4, kept)
            for kept in (200_000, 2)
        ]
        for device in DEVICES:
            one.register(device)
        for _ in range(120):
            for _ in range(chance.choice([0, 0, 0, 1, 4])):
                key, row = random_row(chance)
                if chance.random() < 0.1:
                    one.people.withhold(key)
                else:
                    one.people.apply(key, row)
            raw = random_envelope(chance)
            now_ms = NOW_MS + chance.choice([0, 0, 5, 10]) * MINUTE_MS
            fresh = Processor(one.program, one.people, one.keys, lambda _, key: key[0] % 4)
            states = [one.program.empty_state(Room(10_000)) for _ in range(3)]
            expected, due = Tally(one.program), Tally(one.program)
            records = fresh.process(raw, NOW_MS, now_ms, expected, states.pop())
            for kept in processors_:
                due = Tally(one.program)
                assert kept.process(raw, NOW_MS, now_ms, due, states.pop()) == records, (
                    f"seed {seed}"
                )
                assert due.settle() == expected.settle(), f"seed {seed}"


def driven(count: int = 3) -> World:
    """Devices each linked to a subject of its own who agreed."""
    one = World(AGREED)
    for n in range(count):
        one.register(f"dev-{n}")
        one.link(f"dev-{n}", f"subject-{n}")
        one.consent("service", "location", "service@1", subject=f"subject-{n}")
    return one


def of_device(device: str) -> bytes:
    return envelope({SPEED: column("km/h", [40.0])}, device=device)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices about which people were asked, each time they were."""
    devices: list[str] = []

    def noted(people: People, routes: object, device: str, *instants: int) -> object:
        devices.append(device)
        return permit(people, routes, device, *instants)  # type: ignore[arg-type]

    monkeypatch.setattr(processors.device_answers, "permit", noted)
    return devices


CHANGES: list[tuple[ControlRow, list[str]]] = [
    (consent("new", "subject-1", NOW_MS - DAY_MS, None), ["dev-1"]),
    (consent("new", "stranger", NOW_MS, None), []),
    (restriction("new", "subject-1", "objected", NOW_MS + DAY_MS, None), ["dev-1"]),
    (restriction("new", "subject-2", "erased", NOW_MS - DAY_MS, NOW_MS), ["dev-2"]),
    (restriction("new", "stranger", "erased", NOW_MS - DAY_MS, NOW_MS), []),
    (link("new", "dev-2", "subject-0", NOW_MS - DAY_MS, NOW_MS - HOUR_MS), ["dev-2"]),
    (registration("dev-0"), ["dev-0"]),
    (registration("dev-7"), []),
    (Heartbeat(NOW_MS, 7), []),
]


@pytest.mark.parametrize(("row", "void"), CHANGES)
def test_a_change_voids_what_rests_on_it_and_nothing_else(
    row: ControlRow, void: list[str], asked: list[str]
) -> None:
    one = driven()
    for _ in range(2):
        for n in range(3):
            one.feed(of_device(f"dev-{n}"))
    assert asked == ["dev-0", "dev-1", "dev-2"]
    asked.clear()
    one.people.apply(b"new", row)
    for n in range(3):
        one.feed(of_device(f"dev-{n}"))
    assert asked == void


def test_a_row_that_says_the_same_again_voids_nothing(asked: list[str]) -> None:
    one = driven()
    one.feed(of_device("dev-1"))
    asked.clear()
    one.consent("service", "location", "service@1", subject="subject-1")
    one.link("dev-1", "subject-1")
    one.feed(of_device("dev-1"))
    assert asked == []


def test_a_reader_that_lags_too_far_takes_everything_for_changed(asked: list[str]) -> None:
    one = driven()
    one.people.changes = Changes(kept_max=2)
    one.processor = Processor(one.program, one.people, one.keys, lambda _, key: key[0] % 4)
    one.feed(of_device("dev-1"))
    for n in range(3):
        one.people.apply(b"new", consent("new", "stranger", NOW_MS + n, None))
    asked.clear()
    one.feed(of_device("dev-1"))
    assert asked == ["dev-1"]


def test_the_device_that_was_silent_for_longest_is_forgotten_first(asked: list[str]) -> None:
    one = driven()
    one.processor = Processor(one.program, one.people, one.keys, lambda _, key: key[0] % 4, 2)
    for n in (0, 1, 0, 2):
        one.feed(of_device(f"dev-{n}"))
    asked.clear()
    for n in (0, 2):
        one.feed(of_device(f"dev-{n}"))
    assert asked == []
    one.feed(of_device("dev-1"))
    assert asked == ["dev-1"]


def test_nothing_is_kept_of_devices_that_were_forgotten() -> None:
    one = driven()
    one.processor = Processor(one.program, one.people, one.keys, lambda _, key: key[0] % 4, 1)
    for n in range(3):
        one.feed(of_device(f"dev-{n}"))
    assert one.processor.answers._devices_of == {"subject-2": {"dev-2"}}
    one.people.apply(b"new", consent("new", "subject-2", NOW_MS, None))
    one.processor.basis()
    assert one.processor.answers._devices_of == {}


@pytest.mark.parametrize(("row", "void"), CHANGES)
def test_a_basis_ends_with_a_change_of_who_was_asked_about(
    row: ControlRow, void: list[str]
) -> None:
    for n in range(3):
        one = driven()
        before = one.processor.basis()
        one.feed(of_device(f"dev-{n}"))
        assert one.processor.basis() == before, "nothing changed"
        one.people.apply(b"new", row)
        assert (one.processor.basis() != before) == (f"dev-{n}" in void)


@pytest.mark.parametrize("then", ["kept", "decided again"])
def test_a_basis_ends_also_if_another_record_has_read_the_change(then: str) -> None:
    one = driven()
    before = one.processor.basis()
    one.feed(of_device("dev-1"))
    one.people.apply(b"new", consent("new", "subject-1", NOW_MS, None))
    one.feed(of_device("dev-1" if then == "decided again" else "dev-2"))
    assert one.processor.basis() != before


def test_a_device_that_was_unknown_is_asked_about_too() -> None:
    one = driven()
    before = one.processor.basis()
    assert one.feed(of_device("dev-7")) == []
    one.people.apply(b"new", registration("dev-7"))
    assert one.processor.basis() != before


def test_what_is_settled_concerns_no_basis() -> None:
    one = driven()
    one.feed(of_device("dev-1"))
    one.processor.settle()
    before = one.processor.basis()
    one.people.apply(b"new", consent("new", "subject-1", NOW_MS, None))
    assert one.processor.basis() == before


def test_a_basis_ends_if_changes_were_too_many_to_be_kept() -> None:
    one = driven()
    one.people.changes = Changes(kept_max=1)
    one.processor = Processor(one.program, one.people, one.keys, lambda _, key: key[0] % 4)
    before = one.processor.basis()
    one.feed(of_device("dev-1"))
    for n in range(2):
        one.people.apply(b"new", consent("new", "stranger", NOW_MS + n, None))
    assert one.processor.basis() != before


def test_of_two_consents_that_say_the_same_the_order_decides_nothing() -> None:
    answers = []
    for names in ("ab", "ba"):
        people = PackedPeople()
        people.apply(b"l", link("l", "dev-0", "subject-0", NOW_MS - DAY_MS, None))
        for name in names:
            people.apply(name.encode(), consent(name, "subject-0", NOW_MS - HOUR_MS, None))
        answer = permit(people, World(AGREED).program.routes, "dev-0", NOW_MS, NOW_MS, NOW_MS)
        answers.append({row.consent for row in answer.consents.values()})
    assert answers[0] == answers[1] == {"a"}


def test_changes_are_told_in_order_and_name_nobody() -> None:
    changes = Changes(kept_max=3)
    for n in range(5):
        changes.note(Change("subject", f"s{n}"))
    assert [one.name for one in changes.since(3) or ()] == ["s3", "s4"]
    assert changes.since(5) == [] and changes.since(2) is not None and changes.since(1) is None
    assert "s4" not in repr(changes.since(4))


def test_the_latest_are_kept_up_to_a_number() -> None:
    kept: Latest[str, int] = Latest(2)
    assert [kept.keep(name, n) for n, name in enumerate("aba")] == [None, None, None]
    assert kept.used("b") == 1 and kept.used("z") is None
    assert kept.keep("c", 3) == ("a", 2)
    assert dict(kept) == {"b": 1, "c": 3}
