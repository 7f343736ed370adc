"""Every operation is carried out or stops the start; none passes values untreated."""

from typing import Any

import pytest

from policy.plan.plan import Plan
from policy.vocabulary.operations import PAIR, Operation, apply, parts_of
from policy.vocabulary.position import grid_name, withholds
from processors.column_operations import cell_of, column_function
from processors.program import build_program
from processors.time_rules import TimeRule, life_ms
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, decode_record
from tests.support.operations import EXAMPLES, MEMBERS, Example, Forgotten
from tests.support.plans import lane, output, plan
from tests.support.worlds import column, envelope, known_world

every = pytest.mark.parametrize("example", [EXAMPLES[member] for member in MEMBERS])
PLACE = (35.6812, 139.7671)
VALUES = [43.7, 48.2, 53.9, 58.1]


def plan_with(operation: Any, path: str) -> Plan:
    paths = PAIR if path in PAIR else (path,)
    return plan(output("service", [lane("30d", 30, 1_000, dict.fromkeys(paths, (operation,)))]))


def drive(path: str) -> bytes:
    if path in PAIR:
        columns = {LATITUDE: [PLACE[0]] * 4, LONGITUDE: [PLACE[1]] * 4}
        return envelope({name: column("degrees", at, 4_000) for name, at in columns.items()})
    return envelope({path: column("km/h", VALUES, 4_000)})


@every
def test_what_leaves_is_what_the_policy_says_an_operation_makes(example: Example) -> None:
    if withholds((example.operation,)):
        with pytest.raises(ValueError, match="lets nothing through"):
            build_program(plan_with(example.operation, example.fits))
        return
    world = known_world(plan_with(example.operation, example.fits))
    (record,) = world.feed(drive(example.fits))
    series = decode_record(record.value).series
    meshes = parts_of([example.operation]).meshes
    (treated,) = series.values()
    assert len(treated.value) == example.records
    if meshes:
        assert set(series) == {MESH} and treated.unit == grid_name(meshes[0])
        assert set(treated.value) == {cell_of(meshes[0])(*PLACE)}
    else:
        assert set(treated.value) <= {apply([example.operation], value) for value in VALUES}
    assert all(flow.closes for flow in world.ledger().values())


@every
def test_a_coarser_one_of_the_kind_leaves_no_more(example: Example) -> None:
    if example.coarser is not None:
        assert revealed(example.coarser, example.fits) <= revealed(example.operation, example.fits)


def revealed(operation: Operation, path: str) -> int:
    (record,) = known_world(plan_with(operation, path)).feed(drive(path))
    (series,) = decode_record(record.value).series.values()
    return len(set(zip(series.dt, series.value, strict=True)))


def test_an_operation_that_is_forgotten_here_stops_the_start() -> None:
    with pytest.raises(AssertionError, match="Forgotten"):
        build_program(plan_with(Forgotten(), "Vehicle.Speed"))


@pytest.mark.parametrize(
    "ask",
    [
        cell_of,
        grid_name,
        lambda one: life_ms(TimeRule(("Vehicle.Speed",), one), 0),
        lambda one: column_function([one]),
    ],
)
def test_an_operation_that_is_forgotten_somewhere_is_refused_there(ask: Any) -> None:
    with pytest.raises(AssertionError, match="Forgotten"):
        ask(Forgotten())
