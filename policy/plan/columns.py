"""The columns of an output's records: a column per signal; a mesh in place of its pair."""

from dataclasses import dataclass
from typing import Final, Literal

from policy.plan.plan import Lane, Output, Plan, Rule
from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import PAIR
from policy.vocabulary.position import mesh_in
from policy.vocabulary.words import format_duration
from telemetry.wire.record import MESH

JsonType = Literal["boolean", "integer", "number", "string"]

_TYPES: Final[dict[str, JsonType]] = {"boolean": "boolean", "string": "string"}


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One signal as one lane of an output releases it."""

    path: str
    unit: str
    """The catalogue's; of a mesh, the grid's words."""
    type: JsonType
    lane: Lane
    rule: Rule

    @property
    def treatment(self) -> str:
        """What was done to it, in the document's words."""
        unit = "" if self.path == MESH else self.unit
        said = ", ".join(format_operation(operation, unit) for operation in self.rule.operations)
        return f"{said}; time floored to {format_duration(self.lane.time_floor_ms)}"


def columns_of(plan: Plan, output: Output) -> tuple[OutputColumn, ...]:
    """The columns of every lane, in the plan's order."""
    return tuple(column for lane in output.lanes for column in _of_lane(plan, lane))


def _of_lane(plan: Plan, lane: Lane) -> list[OutputColumn]:
    found: dict[str, OutputColumn] = {}
    for rule in lane.rules:
        mesh = mesh_in(rule.operations)
        if mesh is not None and rule.signal in PAIR:
            found.setdefault(MESH, OutputColumn(MESH, format_operation(mesh), "string", lane, rule))
            continue
        signal = plan.catalogue[rule.signal]
        kind = _TYPES.get(signal.datatype, "number")
        found[rule.signal] = OutputColumn(rule.signal, signal.unit, kind, lane, rule)
    return list(found.values())
