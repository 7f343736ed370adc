"""Minimise: run a layout over one envelope's columns and seal what remains into records."""

from collections import Counter

import msgspec
from msgspec import Struct

from processors.admission.admitted import Singles
from processors.admission.readings import Readings
from processors.choices import Choices
from processors.column_plan import ColumnPlan, RouteStep, plan_columns
from processors.expiry import Expiry, Header
from processors.latest import Latest
from processors.pairing import Times, Values, add_cells
from processors.program import Decision, Program
from processors.pseudonyms import LinkPseudonyms
from telemetry.instants import format_instant
from telemetry.keyed_hashes import record_id
from telemetry.wire.record import CE_ID, MESH, READINGS, RECORD_VERSION, Series

COLUMN_PLANS_KEPT_MAX = 10_000
"""Which columns an envelope has is its sender's choice: the usual ones must not go for new ones."""
TIMES_KEPT_MAX = 10_000


class Minimised(Struct, frozen=True, gc=False):
    """One purpose record, ready for its topic."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: list[Header]

    def __repr__(self) -> str:
        return f"Minimised({self.topic}, …)"


class _Wire(Struct, gc=False, omit_defaults=True):
    v: int
    pseudonym: str
    t0: str
    series: dict[str, Series]
    dtc: list[str] = []


class Minimiser:
    """Keeps layouts and formatted times; its answers depend on its arguments alone."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._encode = msgspec.json.Encoder().encode
        self._column_plans: Latest[tuple[Decision, tuple[int, ...]], ColumnPlan] = Latest(
            COLUMN_PLANS_KEPT_MAX
        )
        self._times: Latest[int, str] = Latest(TIMES_KEPT_MAX)

    def run(
        self,
        id_: bytes,
        t0_ms: int,
        readings: Readings,
        pseudonyms: LinkPseudonyms | None,
        decision: Decision,
        expiry: Expiry | None,
        choices: Choices,
        row: list[int],
    ) -> list[Minimised]:
        """Purpose records of one envelope; what is lost on the way is added to ``row``.

        Takes ``readings`` over: its lists grow by what is made of them. ``choices`` says what
        rules over time let through.
        """
        present, times, values, trouble_codes, low_ms, high_ms, singles = readings
        for place, dt in zip(present, times, strict=True):
            row[place] += len(dt)
        if trouble_codes:
            row[self._program.index_of_codes] += len(trouble_codes)
        column_plan = self._column_plan(decision, present)
        _treat(column_plan, times, values, singles, choices, row)
        if pseudonyms is None or expiry is None:
            return []
        out = []
        for job in column_plan.routes:
            start_ms = t0_ms // job.floor_ms * job.floor_ms
            into_ms = t0_ms - start_ms
            one_bin = into_ms + low_ms >= 0 and into_ms + high_ms < job.floor_ms
            series, kept = _series(job, times, values, None if one_bin else into_ms)
            codes = trouble_codes if job.trouble_codes else []
            kept += len(codes)
            if kept:
                out.append(self._seal(job, id_, start_ms, series, codes, kept, pseudonyms, expiry))
        return out

    def _seal(
        self,
        job: RouteStep,
        id_: bytes,
        start_ms: int,
        series: dict[str, Series],
        codes: list[str],
        readings: int,
        pseudonyms: LinkPseudonyms,
        expiry: Expiry,
    ) -> Minimised:
        stamp = pseudonyms.stamps[job.route]
        value = self._encode(_Wire(RECORD_VERSION, stamp.text, self._time(start_ms), series, codes))
        headers = [
            (CE_ID, record_id(stamp.id_key, id_)),
            *stamp.fixed_headers,
            expiry.expires_at[job.route],
            (READINGS, b"%d" % readings),
        ]
        return Minimised(job.topic, stamp.partition, stamp.key, value, headers)

    def _time(self, start_ms: int) -> str:
        text = self._times.used(start_ms)
        if text is None:
            text = format_instant(start_ms)
            self._times.keep(start_ms, text)
        return text

    def _column_plan(self, decision: Decision, present: tuple[int, ...]) -> ColumnPlan:
        key = (decision, present)
        column_plan = self._column_plans.used(key)
        if column_plan is None:
            column_plan = plan_columns(self._program, decision, present)
            self._column_plans.keep(key, column_plan)
        return column_plan


def _treat(
    column_plan: ColumnPlan,
    times: Times,
    values: Values,
    singles: Singles,
    choices: Choices,
    row: list[int],
) -> None:
    """Fill every register of the layout behind those of the input."""
    unsure: dict[int, list[int]] = {}
    for source, rule, thinned_slots, not_rebuilt_slots in column_plan.thin:
        dt, value = times[source], values[source]
        _, kept, not_rebuilt = choices[rule]
        for slot in thinned_slots:
            row[slot] += len(dt) - len(kept) - len(not_rebuilt)
        if not_rebuilt:
            unsure[len(times)] = [dt[place] for place in not_rebuilt]
            for slot in not_rebuilt_slots:
                row[slot] += len(not_rebuilt)
        times.append([dt[place] for place in kept])
        values.append([value[place] for place in kept])
    for source, treat, _ in column_plan.value:
        times.append(times[source])
        values.append(treat(values[source]))
    for mesh in column_plan.mesh:
        chosen = None if mesh.rule is None else choices.get(mesh.rule)
        register = len(times)  # before the cells are there
        unsure[register] = add_cells(mesh, times, values, singles, chosen, row)
    for union in column_plan.unions:
        # A time may stand several times: as many of its readings are kept as one of them keeps.
        together, perhaps = Counter[int](), Counter[int]()
        for register in union.kept:
            together |= Counter(times[register])
            perhaps |= Counter(unsure.get(register, ()))
        lost = Counter(times[union.source]) - together
        may_be_kept = (lost & perhaps).total()
        row[union.slot] += lost.total() - may_be_kept
        row[union.slot + 1] += may_be_kept


def _series(
    job: RouteStep, times: Times, values: Values, into_ms: int | None
) -> tuple[dict[str, Series], int]:
    """A route's columns with floored times, and how many readings they stand for.

    ``into_ms`` is how far t0 lies behind its own floor; None if no reading leaves that bin.
    """
    floor_ms = job.floor_ms
    series = {}
    readings = 0
    source: list[int] = []
    floored: list[int] = []
    for path, unit, register in job.columns:
        dt = times[register]
        if not dt:
            continue
        if dt != source:
            source = dt
            if into_ms is None:
                floored = [0] * len(dt)
            else:
                floored = [(into_ms + delta) // floor_ms * floor_ms for delta in dt]
        series[path] = Series(unit, floored, values[register])
        readings += len(dt)
    if MESH in series:
        # A cell stands for a latitude and a longitude.
        readings += len(series[MESH].dt)
    return series, readings
