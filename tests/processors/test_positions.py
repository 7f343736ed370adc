"""A position is made only of a latitude and a longitude that were measured together."""

from typing import Any

import pytest

from policy.vocabulary.operations import MeshH3, ThinCount, ThinTime
from processors.column_operations import cell_of
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, decode_record
from tests.support.plans import SPEED, lane, output, plan
from tests.support.worlds import World, column, envelope, known_world

CELLS = MeshH3(8)
HERE, THERE = (35.0, 139.0), (43.0, 141.0)


def world(*operations: Any) -> World:
    treated = (*operations, CELLS)
    lanes = [lane("30d", 30, 1_000, {LATITUDE: treated, LONGITUDE: treated})]
    return known_world(plan(output("service", lanes)))


def at(unit: str, readings: list[tuple[int, float]]) -> dict[str, Any]:
    return {"unit": unit, "dt": [dt for dt, _ in readings], "value": [v for _, v in readings]}


def cells(
    one: World, latitudes: list[tuple[int, float]], longitudes: list[tuple[int, float]]
) -> Any:
    """The cells that leave, by time, after the ledger was seen to close on what was sent."""
    series = {LATITUDE: at("degrees", latitudes), LONGITUDE: at("degrees", longitudes)}
    records = [decode_record(record.value) for record in one.feed(envelope(series))]
    flow = one.ledger()["service"]
    sent = len(latitudes) + len(longitudes)
    assert flow.closes and flow.entered + sum(one.rejected().values()) == sent
    found = [
        cell
        for record in records
        for cell in zip(record.series[MESH].dt, record.series[MESH].value, strict=True)
    ]
    assert flow.delivered == 2 * len(found)
    return found


def cell(place: tuple[float, float]) -> str | None:
    return cell_of(CELLS)(*place)


MISPAIRS: dict[str, tuple[Any, Any, list[tuple[float, float]]]] = {
    "the second longitude is none": ([35.0, 43.0], [139.0, 181.0], [HERE]),
    "the first longitude is none": ([35.0, 43.0], [181.0, 141.0], [THERE]),
    "each side loses another one": ([35.0, 91.0], [181.0, 141.0], []),
    "one side stands once": ([35.0, 43.0], [139.0], []),
    "one side stands once now": ([35.0, 91.0], [139.0], []),
    "two and three": ([35.0, 43.0], [139.0, 141.0, 139.0], []),
    "two of three, one of three": ([35.0, 91.0, 43.0], [139.0, 141.0, 181.0], [HERE]),
    "one of two has no fix": ([0.0, 43.0], [0.0, 141.0], [THERE]),
}


@pytest.mark.parametrize(("north", "east", "were"), MISPAIRS.values(), ids=list(MISPAIRS))
def test_no_position_is_made_that_never_was(
    north: list[float], east: list[float], were: list[tuple[float, float]]
) -> None:
    sent = [[(0, value) for value in side] for side in (north, east)]
    expected = [(0, cell(place)) for place in were]
    assert cells(world(), *sent) == expected
    for more_ms in (-1_000, 1_000):
        # The same moved by what a new owner begins with, and with a good position beside it.
        both = [[*side, (more_ms, value)] for side, value in zip(sent, HERE, strict=True)]
        assert cells(world(), *both) == [*expected, (more_ms, cell(HERE))]


def test_what_stands_equally_often_on_both_sides_pairs_in_order() -> None:
    latitudes, longitudes = [(0, HERE[0]), (0, THERE[0])], [(0, HERE[1]), (0, THERE[1])]
    assert cells(world(), latitudes, longitudes) == [(0, cell(HERE)), (0, cell(THERE))]
    shifted = [(1_000, HERE[1]), *longitudes]
    assert cells(world(), latitudes, shifted) == [(0, cell(HERE)), (0, cell(THERE))]


@pytest.mark.parametrize(
    ("thin", "kept"),
    [(ThinTime(10_000), [(1_000, HERE)]), (ThinCount(2), [(1_000, HERE), (3_000, THERE)])],
    ids=["first of ten seconds", "one in two"],
)
def test_pairs_are_thinned_and_not_their_halves(thin: Any, kept: Any) -> None:
    # The first longitude is lost, so that each side by itself would keep other times.
    latitudes = [(0, 35.0), (1_000, 35.0), (2_000, 43.0), (3_000, 43.0)]
    longitudes = [(0, 181.0), (1_000, 139.0), (2_000, 141.0), (3_000, 141.0)]
    found = cells(world(thin), latitudes, longitudes)
    assert found == [(dt, cell(place)) for dt, place in kept]


def test_halves_at_different_times_are_unpaired_and_counted() -> None:
    one = world()
    assert cells(one, [(0, 35.0), (1_000, 35.0)], [(40, 139.0), (1_040, 139.0)]) == []
    assert one.ledger()["service"].withheld == {"unpaired": 4}


@pytest.mark.parametrize(
    ("latitudes", "longitudes", "lost"),
    [
        ([(0, 0.0), (1_000, 35.0)], [(0, 0.0), (1_000, 139.0)], 2),
        ([(0, 0), (1_000, 35.0)], [(0, -0.0), (1_000, 139.0)], 2),
        ([(1_000, 35.0), (0, 0.0)], [(0, 0.0), (1_000, 139.0)], 2),
    ],
    ids=["as written", "whole and negative zero", "out of order"],
)
def test_a_receiver_without_a_fix_is_at_no_place(
    latitudes: Any, longitudes: Any, lost: int
) -> None:
    one = world()
    assert cells(one, latitudes, longitudes) == [(1_000, cell(HERE))]
    assert one.rejected() == {"no_fix": lost}


def test_a_place_on_the_equator_or_the_meridian_is_a_place() -> None:
    one = world()
    assert len(cells(one, [(0, 0.0), (1_000, 51.5)], [(0, 36.8), (1_000, 0.0)])) == 2
    assert one.rejected() == {}


def test_what_is_counted_as_kept_by_some_lane_is_counted_once_for_each_reading() -> None:
    lanes = [
        lane("30d", 30, 1_000, {SPEED: (ThinTime(10_000),)}),
        lane("60d", 60, 1_000, {SPEED: (ThinTime(20_000),)}),
    ]
    one = known_world(plan(output("service", lanes)))
    one.feed(envelope({SPEED: column("km/h", [1.0, 2.0, 3.0], step_ms=0)}))
    assert (one.ledger()["service"].delivered, one.ledger()["service"].withheld) == (
        1,
        {"thinned": 2},
    )
