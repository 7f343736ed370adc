"""The usual records of one output, read and judged by the core, a topic-partition at a time.

What plans let through is decided in ``allowed``, once for each *shape*: a version, and signals with
their units and kinds; the core holds values and times against it. What it has no room for it leaves
to the exact path, which alone rejects.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from sinks.port.admission import Stamps
from sinks.port.allowed import AllowedColumn, AllowedLane, Judge
from sinks.port.laid_out import Gathering, TaughtColumn, TaughtLane
from telemetry.arrived import Arrived

_MONTHS = {"months": 1, "years": 12}


class _Held(NamedTuple):
    """One run of a shape."""

    signal: str
    unit: str
    texts: bool


class UsualRecords:
    """``Usual`` over a gathering of the core. Not thread-safe."""

    def __init__(self, output: str, gathering: Gathering, judge: Judge | None) -> None:
        self.gathering = gathering
        self._output = output
        self._judge = judge
        self._askers: dict[Callable[[str], bool], int] = {}
        self._asked: list[Callable[[str], bool]] = []

    def begin(self) -> None:
        """Begin a write; what another one left is gone."""
        if self.gathering.begin():
            self._askers, self._asked = {}, []

    def stamps(self, records: Sequence[Arrived], now_ms: int) -> Stamps:
        """See ``Usual``."""
        self.gathering.read(list(records))
        if self._judge is not None:
            self._teach(self._judge)
            for asker, text in self.gathering.unjudged():
                self.gathering.answer(asker, text, self._asked[asker](text))
            self.gathering.judge(now_ms)
        return Stamps(*self.gathering.stamps())

    def keep(self, places: Sequence[int]) -> tuple[int, int]:
        """See ``Usual``."""
        return self.gathering.keep(list(places))

    def _teach(self, judge: Judge) -> None:
        for shape, version, runs in self.gathering.unknown():
            lanes = judge.lanes(version, self._output)
            # A version that is not on record may be a moment later: it is asked for again.
            if lanes is not None:
                held = [_Held(*run) for run in runs]
                taught = (self._lane(lane, held) for lane in lanes)
                self.gathering.teach(shape, [lane for lane in taught if lane is not None])

    def _lane(self, lane: AllowedLane, shape: Sequence[_Held]) -> TaughtLane | None:
        """What it lets through of each run; None if it has no room for one."""
        columns = [
            [self._column(one) for one in lane.columns.get(run.signal, ()) if _may_hold(one, run)]
            for run in shape
        ]
        if not all(columns):
            return None
        return lane.name, lane.floor_ms, *_length(lane.period), columns

    def _column(self, column: AllowedColumn) -> TaughtColumn:
        if column.text is None:
            return column.low, column.high, column.step
        number = self._askers.setdefault(column.text, len(self._asked))
        if number == len(self._asked):
            self._asked.append(column.text)
        return number


def _may_hold(column: AllowedColumn, run: _Held) -> bool:
    return column.unit == run.unit and (column.text is not None) == run.texts


def _length(period: Period) -> tuple[int, int]:
    """Milliseconds, or months: one of them is 0."""
    months = period.count * _MONTHS.get(period.unit, 0)
    return (0, months) if months else (add_period(0, period), 0)
