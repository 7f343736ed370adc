"""Whether a record holds only what its own version of the policy lets its output keep. Pure.

Workers keep to the plan; whoever else writes to a purpose topic may not. In: a record that was
read, and the plan of its version. Out: why it may not be kept, or None. What a value cannot show
(how often a signal was thinned, which finer value was rounded) is not judged; a text must be one
of the catalogue's, a trouble code or a cell of the lane's grid, so that none can carry a name.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite
from typing import Final, NamedTuple

from policy.plan.plan import Lane, Plan
from policy.vocabulary.operations import PAIR, Parts, apply, parts_of, width
from policy.vocabulary.periods import add_period
from policy.vocabulary.position import grid_name, is_cell_of
from policy.vocabulary.terms import Period
from sinks.port.records import INSTANT_MS_MAX, RecordReadings, Run
from sinks.port.results import Unreadable
from telemetry.instants import DAY_MS
from telemetry.signals import Catalogue, Signal
from telemetry.wire.envelope import TROUBLE_CODE
from telemetry.wire.record import MESH, TROUBLE_CODES

PlanOf = Callable[[int], Plan | None]
"""The plan of a version by its number; None if it is not on record, or does not hold here."""
OFF_STEP_MAX: Final = 1e-6
"""Part of a step by which a multiple of it may be off: a float is no decimal."""
AHEAD_MS_MAX: Final = DAY_MS
"""No reading is later than its arrival by more, whatever clocks say."""
VERSIONS_KEPT_MAX: Final = 100


class AllowedColumn(NamedTuple):
    """What a column of a lane lets through."""

    unit: str
    text: Callable[[str], bool] | None
    """Whether a text is one that it holds; None if it holds numbers."""
    step: float = 0.0
    """Numbers are multiples of it; 0: of nothing."""
    low: float | None = None
    high: float | None = None
    """No number is below or above; None: no bound."""


class Judged(NamedTuple):
    """What plans say of a record."""

    reason: Unreadable | None
    """Why it may not be kept; None if it may."""
    lane: str | None = None
    """The one lane that lets it through; None if none does, or more than one."""


class AllowedLane(NamedTuple):
    """What a lane lets through; a column that fits is enough for a signal."""

    name: str
    floor_ms: int
    period: Period
    columns: dict[str, list[AllowedColumn]]


class Judge:
    """Holds records against plans; remembers what each lets an output hold."""

    def __init__(self, plan_of: PlanOf) -> None:
        self._plan_of = plan_of
        self._known: dict[int, dict[str, list[AllowedLane]]] = {}

    def __call__(self, record: RecordReadings, output: str, arrived_ms: int) -> Unreadable | None:
        """Why the record may not be kept; None if it may."""
        return self.judged(record, output, arrived_ms).reason

    def judged(self, record: RecordReadings, output: str, arrived_ms: int) -> Judged:
        """Whether the record may be kept, and in which lane; ``arrived_ms`` is when it came."""
        mine = self.lanes(record.policy_version, output)
        if mine is None:
            return Judged(Unreadable.UNKNOWN_POLICY)
        found = [_misfit(record, lane, arrived_ms) for lane in mine]
        # A record does not name its lane: it fits if one has room for all of it.
        names = {lane.name for lane, reason in zip(mine, found, strict=True) if reason is None}
        if names:
            return Judged(None, names.pop() if len(names) == 1 else None)
        reasons = [reason for reason in found if reason is not None]
        return Judged(max(reasons, key=_HOW_FAR.index, default=Unreadable.NOT_ALLOWED))

    def lanes(self, policy_version: str, output: str) -> Sequence[AllowedLane] | None:
        """The lanes that a version gives an output; None if the version is unknown."""
        number, _, _ = policy_version.partition("-")
        # By number, as ends are: the digests of processes with other limits differ.
        lanes = self._lanes(int(number)) if number.isascii() and number.isdecimal() else None
        return None if lanes is None else lanes.get(output, ())

    def _lanes(self, number: int) -> dict[str, list[AllowedLane]] | None:
        if number not in self._known:
            plan = self._plan_of(number)
            if plan is None:
                return None
            if len(self._known) >= VERSIONS_KEPT_MAX:
                self._known.clear()
            self._known[number] = {
                output.id: [_lane(lane, plan.catalogue) for lane in output.lanes]
                for output in plan.outputs
                if output.purpose not in plan.suspended
            }
        return self._known[number]


def _lane(lane: Lane, catalogue: Catalogue) -> AllowedLane:
    columns: dict[str, list[AllowedColumn]] = {}
    for rule in lane.rules:
        parts = parts_of(rule.operations)
        if parts.withholding:
            continue
        if parts.meshes and rule.signal in PAIR:
            mesh = parts.meshes[0]
            column = AllowedColumn(grid_name(mesh), partial(is_cell_of, mesh))
            columns.setdefault(MESH, []).append(column)
        else:
            column = _column(catalogue[rule.signal], parts)
            columns.setdefault(rule.signal, []).append(column)
    return AllowedLane(lane.name, lane.time_floor_ms, lane.period, columns)


def _column(signal: Signal, parts: Parts) -> AllowedColumn:
    if signal.path == TROUBLE_CODES:
        return AllowedColumn(signal.unit, _is_trouble_code)
    if signal.datatype == "string":
        return AllowedColumn(signal.unit, frozenset(signal.allowed).__contains__)
    if signal.datatype == "boolean":
        return AllowedColumn(signal.unit, None, 1.0, 0.0, 1.0)
    # Judged before it was rounded, a value may leave past the signal's own bounds.
    low, high = (
        None if bound is None else apply(parts.steps, bound) for bound in (signal.min, signal.max)
    )
    whole = 1.0 if signal.is_integer else 0.0
    step = width(parts.steps[-1]) if parts.steps else whole
    return AllowedColumn(signal.unit, None, step, low, high)


def _is_trouble_code(text: str) -> bool:
    return re.fullmatch(TROUBLE_CODE, text) is not None


def _misfit(record: RecordReadings, lane: AllowedLane, arrived_ms: int) -> Unreadable | None:
    for run in record.runs:
        columns = lane.columns.get(run.signal)
        if columns is None:
            return Unreadable.NOT_ALLOWED
        reasons = [_column_misfit(run, column) for column in columns]
        if None not in reasons:
            return reasons[0]
        if any(at_ms % lane.floor_ms for at_ms in run.t_ms):
            return Unreadable.TOO_PRECISE
    return _end_misfit(record, lane, arrived_ms)


def _end_misfit(record: RecordReadings, lane: AllowedLane, arrived_ms: int) -> Unreadable | None:
    if not record.runs:
        return None  # nothing of it is stored
    latest_ms = max(max(run.t_ms) for run in record.runs)
    # A time was floored; the life began at the reading or before.
    began_ms = min(latest_ms + lane.floor_ms, INSTANT_MS_MAX)
    ahead = latest_ms > arrived_ms + AHEAD_MS_MAX
    if ahead or record.expires_ms > add_period(began_ms, lane.period):
        return Unreadable.KEPT_TOO_LONG
    return None


def _column_misfit(run: Run, column: AllowedColumn) -> Unreadable | None:
    if column.unit != run.unit:
        return Unreadable.WRONG_UNIT
    if (column.text is None) != (run.texts is None):
        return Unreadable.WRONG_TYPE
    if column.text is not None:
        return None if all(map(column.text, run.texts or ())) else Unreadable.OUT_OF_RANGE
    return _number_misfit(run.numbers or [], column)


def _number_misfit(numbers: Sequence[float], column: AllowedColumn) -> Unreadable | None:
    low, high = column.low, column.high
    if (low is not None and min(numbers) < low) or (high is not None and max(numbers) > high):
        return Unreadable.OUT_OF_RANGE
    if column.step and not all(_is_multiple(number, column.step) for number in numbers):
        return Unreadable.TOO_PRECISE
    return None


def _is_multiple(number: float, step: float) -> bool:
    parts = number / step
    if not isfinite(parts):
        return False  # so large that nothing tells
    return abs(parts - round(parts)) <= OFF_STEP_MAX + abs(parts) * 1e-12


_HOW_FAR: Final = (
    Unreadable.NOT_ALLOWED,
    Unreadable.WRONG_TYPE,
    Unreadable.WRONG_UNIT,
    Unreadable.OUT_OF_RANGE,
    Unreadable.TOO_PRECISE,
    Unreadable.KEPT_TOO_LONG,
)
