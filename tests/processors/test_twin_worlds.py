"""Two worlds that differ only in what a recipient may not learn look the same to it.

What an output's records hold is compared byte for byte, headers and keys too: nothing of what
the policy withholds or coarsens away may show in anything that leaves. Only the record id depends
on all that was sent, under a key that no recipient has (docs/decisions/001-record-ids.md).
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.minimise import Minimised
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.wire.control import LinkInterval
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.plans import FUEL, ODOMETER, PLAN, SPEED
from tests.support.times import examples
from tests.support.worlds import World, column, envelope, known_world, without_ids

OFTEN = settings(max_examples=examples(100), deadline=None)
RESEARCH, SERVICE = "purpose.research", "purpose.service"
metres = st.floats(0, 1e9)
shares = st.floats(0, 0.999, allow_subnormal=False)
CELL = (1 / 240, 1 / 160)
"""A mesh cell of 500 m, in degrees of latitude and longitude."""
cells = st.tuples(st.integers(35 * 240, 43 * 240), st.integers(136 * 160, 144 * 160))
inside = st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99))


def left(world: World, topic: str | None, **series: Any) -> list[Minimised]:
    """What left one world for a topic, or for all of them."""
    records = world.feed(envelope({SPEED: column("km/h", [43.0])} | series))
    return without_ids([one for one in records if topic is None or one.topic == topic])


@OFTEN
@given(one=st.lists(metres, min_size=1, max_size=5), data=st.data())
def test_what_no_output_takes_shows_nowhere(one: Sequence[float], data: st.DataObject) -> None:
    other = data.draw(st.lists(metres, min_size=len(one), max_size=len(one)))
    mine, twin = (
        left(known_world(PLAN), None, **{ODOMETER: column("m", list(values))})
        for values in (one, other)
    )
    assert mine == twin != []


def position(place: tuple[float, float]) -> dict[str, Any]:
    return {
        LATITUDE: column("degrees", [place[0]] * 2),
        LONGITUDE: column("degrees", [place[1]] * 2),
    }


@OFTEN
@given(
    one=st.tuples(st.floats(30, 45), st.floats(130, 145)),
    other=st.tuples(st.floats(30, 45), st.floats(130, 145)),
)
def test_a_position_shows_nothing_to_whom_nobody_consented(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    worlds = [World(PLAN), World(PLAN)]
    for world in worlds:
        world.register()
        world.link()
    mine, twin = (
        left(world, SERVICE, **position(place))
        for world, place in zip(worlds, (one, other), strict=True)
    )
    assert mine == twin != []


@OFTEN
@given(cell=cells, one=inside, other=inside)
def test_places_in_one_cell_are_one_place_to_whom_sees_cells(
    cell: tuple[int, int], one: tuple[float, float], other: tuple[float, float]
) -> None:
    places = [
        ((cell[0] + share[0]) * CELL[0], (cell[1] + share[1]) * CELL[1]) for share in (one, other)
    ]
    mine, twin = (left(known_world(PLAN), RESEARCH, **position(place)) for place in places)
    assert mine == twin != []


@OFTEN
@given(decade=st.integers(0, 39), one=shares, other=shares)
def test_speeds_in_one_bucket_are_one_speed_to_whom_sees_buckets(
    decade: int, one: float, other: float
) -> None:
    mine, twin = (
        left(known_world(PLAN), RESEARCH, **{SPEED: column("km/h", [10 * (decade + share)])})
        for share in (one, other)
    )
    assert mine == twin != []


@OFTEN
@given(names=st.lists(st.from_regex(r"[a-z]{4,12}", fullmatch=True), min_size=4, max_size=4))
def test_who_somebody_is_shows_in_no_record_but_by_its_secret(names: list[str]) -> None:
    bodies = []
    for device, subject in (names[:2], names[2:]):
        world = World(PLAN)
        world.register(device)
        secret = LinkSecret(bytes(32))
        row = LinkInterval("l", DeviceId(device), SubjectId(subject), secret, 0, None, "driver")
        world.people.apply(b"l", row)
        fed = world.feed(envelope({FUEL: column("percent", [50.0])}, device=device))
        bodies.append([record.value for record in fed])
    assert bodies[0] == bodies[1] != []


def test_the_comparison_sees_what_may_be_seen() -> None:
    mine, twin = (
        left(known_world(PLAN), SERVICE, **{FUEL: column("percent", [value])})
        for value in (10.0, 90.0)
    )
    assert mine != twin
