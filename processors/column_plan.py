"""The work for one set of present columns under one decision, laid out flat.

A register holds a column's times and values: first the input columns, then thinned ones,
then treated ones, then meshes, each made once however many outputs share it. What a
route does is then a list of register numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

from policy.vocabulary.operations import Mesh
from policy.vocabulary.operations import Thin as ThinOperation
from policy.vocabulary.position import grid_name
from processors.column_operations import (
    CellOf,
    ColumnFunction,
    Valued,
    cell_of,
    column_function,
)
from processors.program import Decision, Program
from processors.routes import Chain, Partial, Route
from processors.time_rules import rule_of
from telemetry.outcome import Withheld
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES


class ThinStep(NamedTuple):
    """Thin register ``source`` as a rule has chosen; what is lost is added to each of the slots."""

    source: int
    rule: int
    thinned_slots: tuple[int, ...]
    not_rebuilt_slots: tuple[int, ...]


class ValueStep(NamedTuple):
    """Treat the values of register ``source``."""

    source: int
    run: ColumnFunction
    operations: tuple[Valued, ...]
    """What ``run`` carries out."""


class MeshStep(NamedTuple):
    """Pair two registers, thin the pairs, make cells; a missing one (-1) leaves none paired."""

    latitude: int
    longitude: int
    rule: int | None
    """By which pairs are thinned (the compiler sees to it that both coordinates are alike)."""
    thinned_slots: tuple[int, ...]
    not_rebuilt_slots: tuple[int, ...]
    cell: CellOf
    mesh: Mesh
    """What ``cell`` carries out."""
    unpaired_slots: tuple[int, int]
    off_grid_slots: tuple[int, int]


class RouteStep(NamedTuple):
    """What leaves through one route (its index): columns as (path, unit, register)."""

    route: int
    topic: str
    floor_ms: int
    columns: tuple[tuple[str, str, int], ...]
    trouble_codes: bool


class UnionStep(NamedTuple):
    """Count readings of register ``source`` that none of ``kept`` holds.

    Those that one of them may have kept, but for what was not rebuilt, go to the slot behind.
    """

    slot: int
    source: int
    kept: tuple[int, ...]


class ColumnPlan(NamedTuple):
    """Jobs in the order in which they run."""

    thin: tuple[ThinStep, ...]
    value: tuple[ValueStep, ...]
    mesh: tuple[MeshStep, ...]
    unions: tuple[UnionStep, ...]
    routes: tuple[RouteStep, ...]


def plan_columns(program: Program, decision: Decision, present: tuple[int, ...]) -> ColumnPlan:
    """Lay out the work for the columns at ``present`` in the tally row."""
    draft = _Draft(program, present)
    active = [p for p in program.routes if p.index in decision.active]
    for route in active:
        for path, chain in route.chains.items():
            if path in draft.inputs and chain.thin is not None and chain.mesh is None:
                draft.thinned(chain, chain.thin)
    draft.values_from = len(draft.inputs) + len(draft.thin)
    plain = [
        chain
        for route in active
        for path, chain in route.chains.items()
        if path in draft.inputs and chain.mesh is None
    ]
    for chain in plain:
        draft.treated(chain)
    draft.meshes_from = draft.values_from + len(draft.value)
    jobs = tuple(_route_step(draft, route) for route in active)
    return ColumnPlan(
        tuple(draft.thin),
        tuple(draft.value),
        tuple(draft.mesh),
        tuple(_unions(draft, decision)),
        tuple(job for job in jobs if job.columns or job.trouble_codes),
    )


class _Draft:
    """Allocates registers while a layout is built."""

    def __init__(self, program: Program, present: Sequence[int]) -> None:
        self.program = program
        self.inputs = {program.signals[place].path: r for r, place in enumerate(present)}
        self.thin: list[ThinStep] = []
        self.value: list[ValueStep] = []
        self.mesh: list[MeshStep] = []
        self.values_from = 0
        self.meshes_from = 0
        self._thinned: dict[tuple[str, ThinOperation], int] = {}
        self._treated: dict[tuple[str, ThinOperation | None, tuple[Valued, ...]], int] = {}
        self._meshed: dict[Partial, int] = {}

    def thinned(self, chain: Chain, thin: ThinOperation) -> int:
        """The register of a thinned input."""
        key = (chain.path, thin)
        if key not in self._thinned:
            slots = self.program.loss_slots
            self.thin.append(
                ThinStep(
                    self.inputs[chain.path],
                    self._rule(chain),
                    (slots[chain.partial, chain.path, Withheld.THINNED],),
                    (slots[chain.partial, chain.path, Withheld.NOT_REBUILT],),
                )
            )
            self._thinned[key] = len(self.inputs) + len(self.thin) - 1
        return self._thinned[key]

    def timed(self, chain: Chain) -> int:
        """The register of a chain's column before its values are treated."""
        if chain.thin is None:
            return self.inputs[chain.path]
        return self.thinned(chain, chain.thin)

    def treated(self, chain: Chain) -> int:
        """The register of a chain's column after its values are treated."""
        function = column_function(chain.values)
        if function is None:
            return self.timed(chain)
        key = (chain.path, chain.thin, chain.values)
        if key not in self._treated:
            self.value.append(ValueStep(self.timed(chain), function, chain.values))
            self._treated[key] = self.values_from + len(self.value) - 1
        return self._treated[key]

    def meshed(self, latitude: Chain, longitude: Chain, mesh: Mesh) -> int:
        """The register of cells made of both coordinates."""
        key = latitude.partial
        if key not in self._meshed:
            thins = latitude.thin is not None
            self.mesh.append(
                MeshStep(
                    self.inputs.get(LATITUDE, -1),
                    self.inputs.get(LONGITUDE, -1),
                    self._rule(latitude) if thins else None,
                    self._slots(latitude, longitude, Withheld.THINNED) if thins else (),
                    self._slots(latitude, longitude, Withheld.NOT_REBUILT) if thins else (),
                    cell_of(mesh),
                    mesh,
                    self._slots(latitude, longitude, Withheld.UNPAIRED),
                    self._slots(latitude, longitude, Withheld.OFF_GRID),
                )
            )
            self._meshed[key] = self.meshes_from + len(self.mesh) - 1
        return self._meshed[key]

    def _rule(self, chain: Chain) -> int:
        rule = rule_of(chain)
        if rule is None:
            msg = "a chain without a rule over time thins nothing"
            raise AssertionError(msg)
        return self.program.time_rules.index(rule)

    def _slots(self, latitude: Chain, longitude: Chain, reason: Withheld) -> tuple[int, int]:
        slots = self.program.loss_slots
        return (
            slots[latitude.partial, LATITUDE, reason],
            slots[longitude.partial, LONGITUDE, reason],
        )

    def kept(self, chain: Chain) -> int:
        """The register whose times are the readings a chain keeps."""
        return self.timed(chain) if chain.mesh is None else self._meshed[chain.partial]


def _route_step(draft: _Draft, route: Route) -> RouteStep:
    columns = []
    for path, chain in route.chains.items():
        if path in draft.inputs and chain.mesh is None:
            columns.append((path, draft.program.plan.catalogue[path].unit, draft.treated(chain)))
    latitude, longitude = route.chains.get(LATITUDE), route.chains.get(LONGITUDE)
    seen = LATITUDE in draft.inputs or LONGITUDE in draft.inputs
    if latitude and longitude and latitude.mesh and seen:
        register = draft.meshed(latitude, longitude, latitude.mesh)
        columns.append((MESH, grid_name(latitude.mesh), register))
    codes = TROUBLE_CODES in route.chains
    return RouteStep(
        route.index, route.output.topic, route.lane.time_floor_ms, tuple(columns), codes
    )


def _unions(draft: _Draft, decision: Decision) -> list[UnionStep]:
    found = []
    for table in draft.program.tables:
        for path, wanting in table.routes.items():
            slot = draft.program.union_slots.get((table.output.id, path))
            chains = [p.chains[path] for p in wanting if p.index in decision.active]
            if slot is not None and path in draft.inputs and len({c.partial for c in chains}) > 1:
                kept = tuple({draft.kept(chain) for chain in chains})
                found.append(UnionStep(slot, draft.inputs[path], kept))
    return found
