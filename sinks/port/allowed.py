"""Whether a record holds only what its own version of the policy lets its output keep. Pure.

Workers keep to the plan; whoever else writes to a purpose topic may not. In: a record that was
read, and the plan of its version. Out: why it may not be kept, or None. What a value cannot show
(how often a signal was thinned, which finer value was rounded) is not judged.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from policy.plan.plan import Lane, Plan
from policy.vocabulary.operations import PAIR, parts_of, width
from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from sinks.port.records import INSTANT_MS_MAX, RecordReadings, Run
from sinks.port.results import Unreadable
from telemetry.instants import DAY_MS
from telemetry.record import MESH
from telemetry.signals import Catalogue

PlanOf = Callable[[int], Plan | None]
"""The plan of a version by its number; None if it is not on record, or does not hold here."""
OFF_STEP_MAX: Final = 1e-6
"""Part of a step by which a multiple of it may be off: a float is no decimal."""
AHEAD_MS_MAX: Final = DAY_MS
"""No reading is later than its arrival by more, whatever clocks say."""
VERSIONS_KEPT_MAX: Final = 100


class _Column(NamedTuple):
    unit: str | None
    """None: a cell's, which names its grid and is not judged."""
    text: bool
    step: float
    """Numbers are multiples of it; 0: of nothing."""


class _Lane(NamedTuple):
    floor_ms: int
    period: Period
    columns: dict[str, list[_Column]]


class Judge:
    """Holds records against plans; remembers what each lets an output hold."""

    def __init__(self, plan_of: PlanOf) -> None:
        self._plan_of = plan_of
        self._known: dict[int, dict[str, list[_Lane]]] = {}

    def __call__(self, record: RecordReadings, output: str, arrived_ms: int) -> Unreadable | None:
        """Why the record may not be kept; None if it may."""
        number, _, _ = record.policy_version.partition("-")
        # By number, as ends are: the digests of processes with other limits differ.
        lanes = self._lanes(int(number)) if number.isascii() and number.isdecimal() else None
        if lanes is None:
            return Unreadable.UNKNOWN_POLICY
        found = [_misfit(record, lane, arrived_ms) for lane in lanes.get(output, ())]
        # A record does not name its lane: it fits if one has room for all of it.
        reasons = [reason for reason in found if reason is not None]
        if len(reasons) < len(found):
            return None
        return max(reasons, key=_HOW_FAR.index, default=Unreadable.NOT_ALLOWED)

    def _lanes(self, number: int) -> dict[str, list[_Lane]] | None:
        if number not in self._known:
            plan = self._plan_of(number)
            if plan is None:
                return None
            if len(self._known) >= VERSIONS_KEPT_MAX:
                self._known.clear()
            self._known[number] = {
                output.id: [_lane(lane, plan.catalogue) for lane in output.lanes]
                for output in plan.outputs
            }
        return self._known[number]


def _lane(lane: Lane, catalogue: Catalogue) -> _Lane:
    columns: dict[str, list[_Column]] = {}
    for rule in lane.rules:
        parts = parts_of(rule.operations)
        if parts.withholding:
            continue
        path = MESH if parts.meshes and rule.signal in PAIR else rule.signal
        signal = catalogue[path]
        step = width(parts.steps[-1]) if parts.steps else 0.0
        text = signal.datatype.startswith("string")
        columns.setdefault(path, []).append(
            _Column(None if path == MESH else signal.unit, text, step)
        )
    return _Lane(lane.time_floor_ms, lane.period, columns)


def _misfit(record: RecordReadings, lane: _Lane, arrived_ms: int) -> Unreadable | None:
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


def _end_misfit(record: RecordReadings, lane: _Lane, arrived_ms: int) -> Unreadable | None:
    if not record.runs:
        return None  # nothing of it is stored
    latest_ms = max(max(run.t_ms) for run in record.runs)
    # A time was floored; the life began at the reading or before.
    began_ms = min(latest_ms + lane.floor_ms, INSTANT_MS_MAX)
    ahead = latest_ms > arrived_ms + AHEAD_MS_MAX
    if ahead or record.expires_ms > add_period(began_ms, lane.period):
        return Unreadable.KEPT_TOO_LONG
    return None


def _column_misfit(run: Run, column: _Column) -> Unreadable | None:
    if column.unit not in (None, run.unit):
        return Unreadable.WRONG_UNIT
    if column.text != (run.numbers is None):
        return Unreadable.WRONG_TYPE
    if column.step and not all(_is_multiple(number, column.step) for number in run.numbers or ()):
        return Unreadable.TOO_PRECISE
    return None


def _is_multiple(number: float, step: float) -> bool:
    parts = number / step
    return abs(parts - round(parts)) <= OFF_STEP_MAX + abs(parts) * 1e-12


_HOW_FAR: Final = (
    Unreadable.NOT_ALLOWED,
    Unreadable.WRONG_TYPE,
    Unreadable.WRONG_UNIT,
    Unreadable.TOO_PRECISE,
    Unreadable.KEPT_TOO_LONG,
)
