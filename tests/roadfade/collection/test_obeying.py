"""A device that obeys its list changes nothing of what is delivered; and the list has no more."""

import random
from dataclasses import replace
from typing import Any

import pytest

from policy.plan.plan import Plan
from policy.vocabulary.operations import PAIR, Bucket, Keep, MeshH3, Round, ThinCount, ThinTime
from processors.minimise import Minimised
from processors.permit import permit
from processors.routes import routes_of
from roadfade.collection.lists import Drawer, Drawn
from roadfade.collection.needed import Period
from telemetry.instants import HOUR_MS, MINUTE_MS
from telemetry.wire.collection_list import ListedSignal
from telemetry.wire.control import ConsentKind, Role
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.roadfade.collection.obedient import Column, Obedient
from tests.support.every_operation import Treated, every_operation
from tests.support.plans import (
    BELT,
    FUEL,
    LOCATION,
    PLAN,
    RPM,
    SPEED,
    THIRD_PARTY,
    lane,
    output,
    plan,
)
from tests.support.times import examples
from tests.support.worlds import DEVICE, NOW_MS, World, envelope, without_ids

LIFE_MS = HOUR_MS
EDGE_MS = 10 * MINUTE_MS
"""Whatever begins or ends does so on a multiple of it; no envelope lies across one."""
UNITS = {SPEED: "km/h", RPM: "rpm", FUEL: "percent", BELT: "", **dict.fromkeys(PAIR, "degrees")}


def rounded() -> Plan:
    """Treatments of which one is enough for all, and bins that do not divide one another."""
    fine: Treated = {
        SPEED: (ThinTime(4_000), Bucket(0.5)),
        FUEL: (Round(2),),
        **dict.fromkeys(PAIR, (ThinTime(6_000), MeshH3(8))),
    }
    coarse: Treated = {
        SPEED: (ThinTime(6_000), Bucket(10)),
        FUEL: (ThinTime(2_000), Round(2)),
        **dict.fromkeys(PAIR, (ThinTime(4_000), MeshH3(8))),
    }
    for_adults = lane("b", 9, 1_000, coarse, not_for={SPEED: ("minor",)})
    return plan(
        output("service", [lane("a", 30, 1_000, fine, LOCATION)]),
        output("research", [for_adults]),
        output("sharing", [lane("c", 30, 1, {RPM: (Keep(),)}, THIRD_PARTY)], "insurer"),
    )


def ending() -> Plan:
    """One whose rules end while a list lasts."""
    some = rounded()
    outputs = tuple(
        replace(one, lanes=tuple(
            replace(each, rules=tuple(
                replace(rule, until_ms=NOW_MS + 2 * EDGE_MS) for rule in each.rules
            ))
            for each in one.lanes
        ))
        for one in some.outputs
    )  # fmt: skip
    return replace(some, outputs=outputs)


PLANS = (PLAN, every_operation(), rounded(), ending())


def instant(chance: random.Random) -> int:
    return NOW_MS + chance.randrange(-4, 8) * EDGE_MS


def end(chance: random.Random, from_ms: int) -> int | None:
    return chance.choice([None, from_ms + chance.randrange(0, 9) * EDGE_MS])


def furnish(world: World, seed: int) -> None:
    """Registrations, links, consents and restrictions: any, and many that hold."""
    chance = random.Random(seed)
    if chance.random() < 0.95:
        world.register(from_ms=instant(chance) if chance.random() < 0.2 else NOW_MS - HOUR_MS)
    for number in range(chance.choice([0, 1, 1, 1, 1, 2])):
        from_ms = instant(chance) if chance.random() < 0.4 else NOW_MS - HOUR_MS - number
        role: Role = chance.choice(["driver", "driver", "minor"])
        to_ms = end(chance, from_ms) if chance.random() < 0.5 else None
        world.link(subject=f"subject-{number}", from_ms=from_ms, to_ms=to_ms, role=role)
        for _ in range(chance.choice([0, 1, 2, 3])):
            since_ms = instant(chance)
            purpose = chance.choice(["service", "sharing"])
            basis: ConsentKind = chance.choice(["location", "third_party"])
            world.consent(
                purpose, basis, f"{purpose}@1", f"subject-{number}",
                recipient=chance.choice([None, "insurer"]), from_ms=since_ms,
                to_ms=end(chance, since_ms),
            )  # fmt: skip
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            since_ms = instant(chance)
            world.restrict(
                chance.choice(["objected", "erased"]), since_ms, end(chance, since_ms),
                chance.choice([None, "service", "research", "sharing"]),
                chance.choice([None, "team", "insurer"]), f"subject-{number}",
            )  # fmt: skip


def periods_of(*plans: Plan) -> list[Period]:
    """One after the other, half an hour each; the last stays."""
    cuts = [NOW_MS + n * 3 * EDGE_MS for n in range(len(plans))] + [NOW_MS + LIFE_MS]
    if len(plans) == 1:
        cuts = [NOW_MS, NOW_MS + LIFE_MS]
    return [Period(cuts[n], cuts[n + 1], one, routes_of(one)) for n, one in enumerate(plans)]


def drawn(world: World, periods: list[Period]) -> Drawn:
    return Drawer(periods).draw(world.people, DEVICE, NOW_MS, NOW_MS + LIFE_MS)


def readings(chance: random.Random) -> dict[str, Column]:
    """Columns of less than a minute; latitudes and longitudes mostly go together."""
    found: dict[str, Column] = {}
    for path in (SPEED, RPM, FUEL, BELT):
        times = sorted(chance.sample(range(0, 50_000, 250), chance.randrange(0, 40)))
        values: list[Any] = [
            chance.random() < 0.5 if path == BELT else chance.randrange(0, 400) / 4 for _ in times
        ]
        if path == RPM:
            values = [int(value) for value in values]
        if times:
            found[path] = times, values
    times = sorted(chance.sample(range(0, 50_000, 500), chance.randrange(0, 30)))
    for path in PAIR:
        mine = [dt for dt in times if chance.random() < 0.9]
        if mine:
            base = 35.5 if path == LATITUDE else 139.5
            found[path] = mine, [base + chance.random() / 10 for _ in mine]
    return found


def message(t0_ms: int, columns: dict[str, Column], number: int) -> bytes:
    series = {
        path: {"unit": UNITS[path], "dt": times, "value": values}
        for path, (times, values) in columns.items()
    }
    return envelope(series, t0_ms, id=f"01K000000000000000000{number:05d}")


def delivered(
    plans: list[Plan], seed: int, signals: tuple[ListedSignal, ...] | None
) -> tuple[list[Minimised], int]:
    """What leaves of a drive through the list's whole life, and how many readings were sent."""
    worlds = [World(one) for one in plans]
    for world in worlds:
        furnish(world, seed)
    device = None if signals is None else Obedient(signals)
    periods = periods_of(*plans)
    chance, found, sent = random.Random(seed + 1), list[Minimised](), 0
    for number in range(30):
        t0_ms = NOW_MS + number * 2 * MINUTE_MS
        now_ms = chance.choice([t0_ms, t0_ms + MINUTE_MS, t0_ms + 2 * EDGE_MS])
        now_ms = max(NOW_MS, min(now_ms, NOW_MS + LIFE_MS - 1))
        columns = readings(chance)
        if device is not None:
            columns = device.sends(t0_ms, columns)
        if not columns:
            continue
        sent += sum(len(times) for times, _ in columns.values())
        # A log is processed in its order, whenever that is: the clock never goes back here.
        at = next(n for n, one in enumerate(periods) if now_ms < one.until_ms)
        received_ms = t0_ms + MINUTE_MS
        found += without_ids(worlds[at].feed(message(t0_ms, columns, number), received_ms, now_ms))
    return found, sent


def test_a_device_that_obeys_changes_nothing_of_what_is_delivered_and_sends_less() -> None:
    seen = less = nothing = 0
    for seed in range(examples(50)):
        chance = random.Random(seed)
        plans = chance.choice([[one] for one in PLANS] + [[PLANS[2], PLANS[0]]])
        world = World(plans[0])
        furnish(world, seed)
        listed = drawn(world, periods_of(*plans))
        full, all_of_it = delivered(plans, seed, None)
        obeyed, sent = delivered(plans, seed, listed.signals)
        assert obeyed == full, seed
        seen, less = seen + len(full), less + (sent < all_of_it)
        nothing += not listed.signals
        assert sent or not full
    assert seen > 300 and less > 25 and nothing > 3


def test_a_list_has_what_some_route_may_keep_at_some_instant_of_its_life_and_nothing_else() -> None:
    """Asked anew for each event and each now, between all edges."""
    instants = [NOW_MS + n * EDGE_MS // 2 for n in range(12)]
    some = 0
    for seed in range(examples(120)):
        plans = [PLANS[seed % len(PLANS)], *([PLANS[seed % 3]] if seed % 2 else [])]
        periods = periods_of(*plans)
        world = World(plans[0])
        furnish(world, seed)
        registered_ms = world.people.registered_ms(DEVICE)
        open_ = set[str]()
        if registered_ms is not None:
            for event_ms in (each for each in instants if each >= registered_ms):
                for now_ms in instants:
                    routes = next(one for one in periods if now_ms < one.until_ms).routes
                    found = permit(world.people, routes, DEVICE, event_ms, event_ms, now_ms)
                    for index in found.granted:
                        open_ |= routes[index].chains.keys()
        listed = drawn(world, periods)
        assert {each.path for each in listed.signals} == open_, seed
        assert listed.location == bool(open_ & {LATITUDE, LONGITUDE})
        some += bool(open_)
    assert some > 50


@pytest.mark.parametrize("seed", range(8))
def test_bins_that_do_not_divide_one_another_and_positions_that_lack_a_half_are_obeyed_too(
    seed: int,
) -> None:
    """Every route is open, and there are many readings for each bin."""
    apart: Treated = {
        SPEED: (ThinTime(4_000),),
        **dict.fromkeys(PAIR, (ThinTime(6_000), Keep())),
    }
    mesh: Treated = {
        SPEED: (ThinTime(6_000),),
        **dict.fromkeys(PAIR, (ThinTime(6_000), MeshH3(8))),
    }
    chosen: list[Treated] = [apart, mesh] if seed % 2 else [mesh, {SPEED: (ThinTime(4_000),)}]
    lanes = [lane(f"l{n}", 9, 1, some) for n, some in enumerate(chosen)]
    one = plan(output("service", lanes[:1]), output("research", lanes[1:]))
    full, obeyed = World(one), World(one)
    for world in (full, obeyed):
        world.register()
        world.link()
    device = Obedient(drawn(full, periods_of(one)).signals)
    chance = random.Random(seed)
    for number in range(10):
        t0_ms = NOW_MS + number * MINUTE_MS
        columns = readings(chance)
        found = [
            without_ids(world.feed(message(t0_ms, some, number), t0_ms, t0_ms))
            for world, some in ((full, columns), (obeyed, device.sends(t0_ms, columns)))
        ]
        assert found[0] == found[1] != []


def test_the_next_instant_is_the_first_at_which_the_list_may_be_another() -> None:
    """Drawn anew for the rest of the time it is the same until then, or smaller by nothing."""
    moved = 0
    for seed in range(examples(120)):
        one = PLANS[seed % len(PLANS)]
        world = World(one)
        furnish(world, seed)
        first = drawn(world, periods_of(one))
        assert NOW_MS < first.next_ms <= NOW_MS + LIFE_MS
        moved += first.next_ms < NOW_MS + LIFE_MS
        before_ms = first.next_ms - 1
        again = Drawer(periods_of(one)).draw(world.people, DEVICE, before_ms, NOW_MS + LIFE_MS)
        assert again.signals == first.signals, seed
    assert moved > 40


def test_a_consent_that_ends_before_a_version_takes_over_opens_nothing_of_it() -> None:
    now, later = (
        plan(output("service", [lane("a", 1, 1, {path: (Keep(),)}, LOCATION)]))
        for path in (SPEED, FUEL)
    )
    world = World(now)
    world.register()
    world.link()
    world.consent("service", "location", "service@1", to_ms=NOW_MS + EDGE_MS)
    assert [one.path for one in drawn(world, periods_of(now, later)).signals] == [SPEED]


def test_a_counted_thinning_needs_every_reading() -> None:
    one = plan(output("service", [lane("a", 1, 1, {SPEED: (ThinCount(3),)})]))
    world = World(one)
    world.register()
    world.link()
    (listed,) = drawn(world, periods_of(one)).signals
    assert (listed.rate_ms, listed.precision) == (None, None)


def test_a_device_of_a_service_that_the_policy_does_not_list_is_to_collect_nothing() -> None:
    one = plan(output("service", [lane("a", 1, 1, {SPEED: (Keep(),)})]))
    for service, signals in (("listed", [SPEED]), ("another", [])):
        world = World(replace(one, services=("listed",)))
        world.register(service=service)
        world.link()
        assert [one.path for one in drawn(world, periods_of(world.plan)).signals] == signals
