"""What a person objected to is kept back while they object; what they had erased, for its events."""

import random
from collections import Counter
from typing import Any

import pytest

from policy.plan.plan import Plan
from policy.vocabulary.operations import Keep, MeshJis, Operation, ThinCount, ThinTime
from processors.closing import NOTHING_CLOSED, closing
from processors.minimise import Minimised
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, parse_instant
from telemetry.outcome import Withheld
from telemetry.wire.control import Restriction, RestrictionReason, Role
from telemetry.wire.record import CE_ID, LATITUDE, LONGITUDE, decode_record
from tests.support.plans import FUEL, LOCATION, RPM, SPEED, THIRD_PARTY, lane, output, plan
from tests.support.times import examples
from tests.support.worlds import NOW_MS, World, column, envelope

START_MS = NOW_MS - MINUTE_MS
ROUTES = 4
"""Of one drive: research keeps its speeds, which no minor's may be, apart."""
NOT_MINORS: dict[str, tuple[Role, ...]] = {SPEED: ("minor",)}


def three_outputs() -> Plan:
    """Speed for service, fuel for research without a consent, speed for an insurer."""
    kept = {SPEED: (Keep(),)}
    return plan(
        output("service", [lane("a", 30, 1, kept, LOCATION)]),
        output("research", [lane("b", 30, 1, {FUEL: (Keep(),), **kept}, not_for=NOT_MINORS)]),
        output("sharing", [lane("c", 30, 1, kept, THIRD_PARTY)], "insurer", "third_party"),
    )


def person(of: Plan, role: Role = "driver") -> World:
    """Somebody who agreed to everything."""
    world = World(of)
    world.register()
    world.link(role=role)
    world.consent("service", "location", "service@1")
    world.consent("sharing", "third_party", "sharing@1", recipient="insurer")
    return world


def drive(readings: int = 10, at_ms: int = START_MS, **fields: Any) -> bytes:
    series = {
        SPEED: column("km/h", [40.0 + n for n in range(readings)]),
        FUEL: column("percent", [50.0] * readings),
    }
    return envelope(series, at_ms=at_ms, **fields)


def left(records: list[Minimised]) -> Counter[tuple[str, str, int]]:
    """Topic, signal and instant of every reading that left."""
    found = Counter[tuple[str, str, int]]()
    for one in records:
        record = decode_record(one.value)
        for path, series in record.series.items():
            t0_ms = parse_instant(record.t0)
            found.update((one.topic, path, t0_ms + delta) for delta in series.dt)
    return found


def ids(records: list[Minimised]) -> Counter[tuple[str, object]]:
    return Counter((one.topic, dict(one.headers)[CE_ID]) for one in records)


def withheld(world: World) -> dict[str, dict[str, int]]:
    ledger = world.ledger()
    assert all(flow.closes for flow in ledger.values())
    assert len({flow.entered for flow in ledger.values()}) == 1
    return {output: dict(flow.withheld) for output, flow in ledger.items()}


def test_an_envelope_across_an_erased_edge_keeps_what_is_outside_and_nothing_of_what_is_inside() -> (
    None
):
    world = person(three_outputs())
    world.restrict("erased", START_MS + 3_000, START_MS + 7_000)
    records = world.feed(drive())
    seconds = {(at_ms - START_MS) // 1_000 for _, _, at_ms in left(records)}
    assert seconds == {0, 1, 2, 7, 8, 9}
    assert withheld(world) == {
        "service": {"erased": 4, "not_in_purpose": 10},
        "research": {"erased": 8},
        "sharing": {"erased": 4, "not_in_purpose": 10},
    }


def test_what_is_left_of_a_record_is_known_as_the_record_that_was_there_before() -> None:
    """A replay after an erasure doubles nothing, neither there nor for anybody else."""
    before = person(three_outputs()).feed(drive())
    world = person(three_outputs())
    world.restrict("erased", START_MS + 3_000, START_MS + 7_000, purpose="service")
    again = world.feed(drive())
    assert ids(again) == ids(before) and len(again) == ROUTES
    others = [[one for one in some if one.topic != "purpose.service"] for some in (before, again)]
    assert others[0] == others[1]


@pytest.mark.parametrize("from_s", [3, 9, 9.001])
def test_no_reading_of_an_erased_interval_leaves_whenever_it_comes(from_s: float) -> None:
    world = person(three_outputs())
    world.restrict("erased", START_MS - DAY_MS, START_MS + round(from_s * 1_000))
    late_ms = NOW_MS + HOUR_MS
    for now_ms in (NOW_MS, late_ms):
        records = world.feed(drive(id=f"{now_ms:026d}"), received_ms=now_ms, now_ms=now_ms)
        assert {at_ms for _, _, at_ms in left(records)} == {
            START_MS + n * 1_000 for n in range(10) if n >= from_s
        }


def test_an_objection_closes_everything_while_it_lasts_whenever_readings_were_made() -> None:
    world = person(three_outputs())
    world.restrict("objected", NOW_MS, NOW_MS + HOUR_MS)
    assert len(world.feed(drive(id="a" * 26), now_ms=NOW_MS - 1)) == ROUTES
    for now_ms in (NOW_MS, NOW_MS + HOUR_MS - 1):
        assert world.feed(drive(id="b" * 26), now_ms=now_ms) == []
    assert len(world.feed(drive(id="c" * 26), now_ms=NOW_MS + HOUR_MS)) == ROUTES
    assert withheld(world)["research"] == {"objected": 40}


@pytest.mark.parametrize(
    ("purpose", "recipient", "closed"),
    [
        (None, None, {"service", "research", "sharing"}),
        ("research", None, {"research"}),
        (None, "insurer", {"sharing"}),
        ("sharing", "insurer", {"sharing"}),
        ("sharing", "team", set()),
        ("unheard", None, set()),
    ],
)
@pytest.mark.parametrize("reason", ["erased", "objected"])
def test_a_restriction_means_the_purpose_and_recipient_that_it_names(
    reason: RestrictionReason, purpose: str | None, recipient: str | None, closed: set[str]
) -> None:
    world = person(three_outputs())
    world.restrict(reason, START_MS, None, purpose, recipient)
    late_ms = NOW_MS + 1_000
    topics = {one.topic for one in world.feed(drive(), now_ms=late_ms)}
    assert topics == {f"purpose.{one}" for one in {"service", "research", "sharing"} - closed}
    assert {name for name, reasons in withheld(world).items() if reason in reasons} == closed


def test_the_first_reason_in_the_fixed_order_is_the_one_that_counts() -> None:
    world = person(three_outputs(), "minor")
    never_agreed = World(three_outputs())
    never_agreed.register()
    never_agreed.link()
    for one in (world, never_agreed):
        one.restrict("erased", START_MS)
        one.feed(drive(id="a" * 26))
        key = one.restrict("objected", START_MS)
        one.feed(drive(id="b" * 26))
        one.people.apply(key, None)
    assert withheld(world)["research"] == {"erased": 20, "objected": 20}, "not forbidden"
    expected = {"no_consent": 20, "not_in_purpose": 20}
    assert withheld(never_agreed)["service"] == expected, "there was nothing to close"


@pytest.mark.parametrize("reason", ["erased", "objected"])
def test_what_is_kept_back_counts_so_also_if_another_route_is_too_late(
    reason: RestrictionReason,
) -> None:
    kept = {SPEED: (Keep(),)}
    world = person(
        plan(output("short", [lane("a", 1, 1, kept)]), output("long", [lane("b", 30, 1, kept)]))
    )
    days_ago_ms = NOW_MS - 5 * DAY_MS
    world.restrict(reason, days_ago_ms - 1, None, "long")
    assert world.feed(drive(at_ms=days_ago_ms)) == []
    ledger = withheld(world)
    assert ledger["long"][reason] == ledger["short"]["too_late"] == 10


def test_what_an_unknown_restriction_said_is_taken_for_everything() -> None:
    world = person(three_outputs())
    key = world.restrict("erased", 0, 1, purpose="unheard")
    assert len(world.feed(drive(id="a" * 26))) == ROUTES
    world.people.withhold(key)
    assert world.feed(drive(id="b" * 26)) == []
    assert withheld(world)["research"] == {"objected": 20}
    world.people.apply(key, None)
    assert len(world.feed(drive(id="c" * 26))) == ROUTES


@pytest.mark.parametrize("reason", ["erased", "objected"])
def test_a_restricted_reading_still_takes_its_bin(reason: RestrictionReason) -> None:
    """What a rule over time remembers is the same with and without a restriction."""
    rules: dict[str, tuple[Operation, ...]] = {
        SPEED: (ThinTime(10_000),),
        RPM: (ThinCount(3),),
    }
    in_cells = (ThinTime(5_000), MeshJis(1_000))
    of = plan(
        output("service", [lane("a", 30, 1, rules, LOCATION)]),
        output("positions", [lane("p", 30, 1, {LATITUDE: in_cells, LONGITUDE: in_cells})]),
    )
    series = {
        SPEED: column("km/h", [40.0] * 30),
        RPM: column("rpm", [1_500] * 30),
        LATITUDE: column("degrees", [35.68] * 30),
        LONGITUDE: column("degrees", [139.76] * 30),
    }
    free, restricted = person(of), person(of)
    restricted.restrict(reason, START_MS + 2_000, START_MS + 14_500)
    now_ms = START_MS + 14_000
    fed = [
        world.feed(envelope(series, at_ms=START_MS), now_ms=now_ms) for world in (free, restricted)
    ]
    assert restricted.state.living() == free.state.living()
    everything = left(fed[0])
    expected = {} if reason == "objected" else {
        one: times for one, times in everything.items()
        if not START_MS + 2_000 <= one[2] < START_MS + 14_500
    }  # fmt: skip
    assert left(fed[1]) == expected
    assert sum(everything.values()) == 3 + 10 + 6
    withheld(restricted)


def by_reading(world: World, restrictions: list[Restriction], now_ms: int) -> dict[str, Any]:
    """By output and instant of speed: why it is withheld, judged by looking at every row."""
    found: dict[str, Any] = {}
    for route in world.program.routes:
        mine = [
            row
            for row in restrictions
            if row.purpose in (None, route.output.purpose)
            and row.recipient in (None, route.output.recipient)
        ]
        for n in range(10):
            at = {"objected": now_ms, "erased": START_MS + n * 1_000}
            reasons = {
                row.reason
                for row in mine
                if row.from_ms <= at[row.reason]
                and (row.to_ms is None or at[row.reason] < row.to_ms)
            }
            found[f"{route.output.id} {n}"] = max(reasons, default=None)
    return found


def test_every_reading_is_judged_as_by_itself() -> None:
    of = three_outputs()
    for seed in range(examples(150)):
        chance = random.Random(seed)
        world, now_ms = person(of), NOW_MS
        restrictions = []
        for number in range(chance.choice([1, 1, 2, 3, 5])):
            reason: RestrictionReason = "objected" if chance.random() < 0.15 else "erased"
            from_ms = START_MS + chance.randrange(-3, 12) * 500
            to_ms = chance.choice([None, from_ms + chance.choice([0, 500, 3_000, 5_000])])
            meant = chance.choice([None, "service", "research"]), chance.choice([None, "team"])
            row = Restriction(f"x{number}", SubjectId("subject-1"), reason, *meant, from_ms, to_ms)
            world.people.apply(row.restriction.encode(), row)
            restrictions.append(row)
        due = by_reading(world, restrictions, now_ms)
        for again in range(2):
            records = world.feed(drive(id=f"{again:026d}"), now_ms=now_ms)
            speeds = {
                f"{topic.removeprefix('purpose.')} {(at_ms - START_MS) // 1_000}"
                for topic, path, at_ms in left(records)
                if path == SPEED
            }
            assert speeds == {name for name, reason in due.items() if reason is None}, seed
            assert max(ids(records).values(), default=1) == 1, "one record of each route"
        for name, reasons in withheld(world).items():
            expected = Counter(
                reason for one, reason in due.items() if one.startswith(name) and reason
            )
            fuel = name == "research"
            for reason, times in expected.items():
                assert reasons[reason] == 2 * times * (2 if fuel else 1), seed


def test_what_holds_nothing_or_means_no_route_divides_nothing() -> None:
    routes = World(three_outputs()).program.routes
    subject = SubjectId("s")
    for row in (
        Restriction("a", subject, "erased", None, None, 5, 5),
        Restriction("b", subject, "erased", None, None, 5, 2),
        Restriction("c", subject, "objected", "unheard", None, 5, None),
    ):
        assert closing([row], routes, 0, 10, 7) == NOTHING_CLOSED
    twice = [Restriction(name, subject, "erased", None, None, 0, 9) for name in "de"]
    assert closing(twice, routes, 0, 8, 7).stretches == ()


def test_reasons_stand_in_the_order_in_which_a_person_may_be_told() -> None:
    order = list(Withheld)
    assert order.index(Withheld.NO_CONSENT) < order.index(Withheld.OBJECTED)
    assert order.index(Withheld.OBJECTED) < order.index(Withheld.ERASED)
    assert order.index(Withheld.ERASED) < order.index(Withheld.FORBIDDEN)
