"""Whoever holds keys and links finds every reading of a person, and nobody else's."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from office.erasure.whereabouts import Whereabouts, whereabouts
from policy.plan.epochs import TRIP_MS_MAX
from policy.plan.plan import Plan
from policy.vocabulary.terms import Epoch
from telemetry.identity import DeviceId, EpochKey
from telemetry.instants import DAY_MS, format_instant
from telemetry.wire.control import LinkInterval
from tests.support.plans import PLAN, SPEED
from tests.support.worlds import DEVICE, NOW_MS, EveryKey, World, column, envelope

SOLD_MS = NOW_MS - 100 * DAY_MS
BY_DAY = replace(PLAN, outputs=tuple(replace(one, epoch=Epoch(0, 1)) for one in PLAN.outputs))


class Keys:
    """The keys that a world has made, but for those that were destroyed."""

    def __init__(self, made: EveryKey, destroyed: Iterable[str] = ()) -> None:
        self._made = made
        self._destroyed = set(destroyed)

    def epochs(self, purpose: str, recipient: str) -> dict[str, EpochKey | None]:
        return {
            epoch: None if epoch in self._destroyed else key
            for (*of, epoch), key in self._made.items()
            if of == [purpose, recipient]
        }


def sold(plan: Plan = PLAN) -> World:
    """A car with one driver after the other, who agreed to everything."""
    world = World(plan)
    world.register()
    world.link(to_ms=SOLD_MS)
    world.link(subject="subject-2", from_ms=SOLD_MS)
    for who in ("subject-1", "subject-2"):
        world.consent("sharing", "third_party", "sharing@1", subject=who, recipient="insurer")
    return world


def links_of(world: World, *instants_ms: int) -> list[LinkInterval]:
    found = (world.people.link_at(DeviceId(DEVICE), at_ms)[0] for at_ms in instants_ms)
    return [link for link in found if link is not None]


def lying(world: World, at_ms: int, trip_ms: int | None = None) -> set[tuple[str, str]]:
    """Under what the readings of one envelope lie: output and pseudonym."""
    trip = {} if trip_ms is None else {"trip": {"id": "t", "started_at": format_instant(trip_ms)}}
    value = envelope({SPEED: column("km/h", [43.5])}, at_ms, id=f"01K{at_ms:023d}", **trip)
    return {(one.topic, one.key.decode()) for one in world.feed(value, at_ms, at_ms)}


def found(where: Whereabouts) -> set[tuple[str, str]]:
    return {
        (f"purpose.{output}", str(name))
        for output, names in where.by_output.items()
        for name in names
    }


@given(
    st.sampled_from([PLAN, BY_DAY]),
    st.lists(st.integers(0, 200 * DAY_MS), min_size=1, max_size=5),
    st.none() | st.integers(0, TRIP_MS_MAX),
)
def test_every_reading_is_found_with_the_one_whose_it_is(
    plan: Plan, ages_ms: list[int], trip_ms: int | None
) -> None:
    world = sold(plan)
    of: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for age_ms in ages_ms:
        at_ms = NOW_MS - age_ms
        trip = None if trip_ms is None else at_ms - trip_ms
        of[at_ms < SOLD_MS] |= lying(world, at_ms, trip)
    seller, buyer = links_of(world, SOLD_MS - 1, SOLD_MS)
    sellers = found(whereabouts([seller], [plan], Keys(world.keys), NOW_MS))
    buyers = found(whereabouts([buyer], [plan], Keys(world.keys), NOW_MS))
    assert of[True] <= sellers and of[False] <= buyers
    assert not sellers & buyers


def test_readings_of_an_output_that_is_closed_since_are_found_by_the_plan_before() -> None:
    world = sold()
    there = lying(world, NOW_MS - DAY_MS)
    (buyer,) = links_of(world, NOW_MS)
    now = replace(PLAN, outputs=PLAN.outputs[:1])
    assert there <= found(whereabouts([buyer], [PLAN, now], Keys(world.keys), NOW_MS))
    assert not there <= found(whereabouts([buyer], [now], Keys(world.keys), NOW_MS))


def test_what_lies_under_a_key_that_is_destroyed_is_said_to_be_unlocatable() -> None:
    world = sold()
    assert lying(world, NOW_MS - DAY_MS)
    (buyer,) = links_of(world, NOW_MS)
    epoch = "2026-10.3m"
    where = whereabouts([buyer], [PLAN], Keys(world.keys, [epoch]), NOW_MS)
    assert where.by_output == {}
    assert {name[2] for name in where.unlocatable} == {epoch}
    assert {name[0] for name in where.unlocatable} == {"service", "research", "sharing"}


def test_a_key_that_was_never_made_hides_nothing() -> None:
    (buyer,) = links_of(sold(), NOW_MS)
    assert whereabouts([buyer], [PLAN], Keys(EveryKey()), NOW_MS) == Whereabouts()


def test_a_reading_that_came_before_the_end_of_a_link_was_known_is_found() -> None:
    world = sold()
    world.link(to_ms=NOW_MS - 90 * DAY_MS)
    (seller,) = links_of(world, SOLD_MS - 1)
    late = lying(world, SOLD_MS - 1)
    ended = LinkInterval(
        seller.link, seller.device, seller.subject, seller.secret, seller.from_ms, seller.from_ms
    )
    assert late and late <= found(whereabouts([ended], [PLAN], Keys(world.keys), NOW_MS))
