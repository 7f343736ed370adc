"""Minimise: run a layout over one envelope's columns and seal what remains into records."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from processors.layout import Layout, MeshJob, PassageJob, draw_layout
from processors.program import Program, Regime
from processors.pseudonym import record_id
from processors.seat import Header, Minute, Seat
from telemetry.instants import format_instant
from telemetry.record import CE_ID, READINGS, VERSION, Series

LAYOUTS_KEPT_MAX = 10_000
TIMES_KEPT_MAX = 10_000

Register = tuple[list[int], list[Any]]


class Minimised(NamedTuple):
    """One purpose record, ready for its topic."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: list[Header]


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
        self._layouts: dict[tuple[Regime, tuple[int, ...]], Layout] = {}
        self._times: dict[int, str] = {}

    def run(
        self,
        id_: bytes,
        t0_ms: int,
        present: tuple[int, ...],
        columns: Any,
        trouble_codes: list[str],
        seat: Seat | None,
        regime: Regime,
        minute: Minute | None,
        row: list[int],
    ) -> list[Minimised]:
        """Purpose records of one envelope; ``columns`` is indexed by place in the tally row."""
        layout = self._layout(regime, present)
        registers: list[Register] = []
        for place in present:
            column = columns[place]
            row[place] += len(column.dt)
            registers.append((column.dt, column.value))
        row[self._program.index_of_codes] += len(trouble_codes)
        for thin in layout.thin:
            dt, values = registers[thin.source]
            kept = thin.run(t0_ms, dt, values)
            lost = len(dt) - len(kept[0])
            for slot in thin.loss_slots:
                row[slot] += lost
            registers.append(kept)
        for job in layout.value:
            dt, values = registers[job.source]
            registers.append((dt, job.run(values)))
        for mesh in layout.mesh:
            registers.append(_mesh(mesh, registers, row))
        for union in layout.unions:
            times = set().union(*(registers[kept][0] for kept in union.kept))
            row[union.slot] += sum(delta not in times for delta in registers[union.source][0])
        if seat is None or minute is None:
            return []
        out = []
        for passage in layout.passages:
            record = self._record(passage, id_, t0_ms, registers, trouble_codes, seat, minute)
            if record is not None:
                out.append(record)
        return out

    def _record(
        self,
        job: PassageJob,
        id_: bytes,
        t0_ms: int,
        registers: list[Register],
        trouble_codes: list[str],
        seat: Seat,
        minute: Minute,
    ) -> Minimised | None:
        floor_ms = job.floor_ms
        start_ms = t0_ms // floor_ms * floor_ms
        into_ms = t0_ms - start_ms
        series = {}
        readings = 0
        source: list[int] | None = None
        floored: list[int] = []
        for path, unit, register in job.columns:
            dt, values = registers[register]
            if not dt:
                continue
            if dt != source:
                source = dt
                if min(dt) + into_ms >= 0 and max(dt) + into_ms < floor_ms:
                    floored = [0] * len(dt)
                else:
                    floored = [(into_ms + delta) // floor_ms * floor_ms for delta in dt]
            series[path] = Series(unit, floored, values)
            readings += len(dt)
        codes = trouble_codes if job.trouble_codes else []
        readings += len(codes)
        if readings == 0:
            return None
        passage = job.passage
        desk = seat.desks[passage.index]
        value = self._encode(_Wire(VERSION, desk.text, self._time(start_ms), series, codes))
        headers = [
            (CE_ID, record_id(desk.id_key, id_)),
            *minute.headers[passage.index],
            (READINGS, b"%d" % readings),
        ]
        return Minimised(passage.output.topic, desk.partition, desk.key, value, headers)

    def _time(self, start_ms: int) -> str:
        text = self._times.get(start_ms)
        if text is None:
            if len(self._times) >= TIMES_KEPT_MAX:
                self._times.clear()
            text = self._times[start_ms] = format_instant(start_ms)
        return text

    def _layout(self, regime: Regime, present: tuple[int, ...]) -> Layout:
        key = (regime, present)
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= LAYOUTS_KEPT_MAX:
                self._layouts.clear()
            layout = self._layouts[key] = draw_layout(self._program, regime, present)
        return layout


def _mesh(job: MeshJob, registers: list[Register], row: list[int]) -> Register:
    empty: Register = ([], [])
    lat_dt, latitudes = registers[job.latitude] if job.latitude >= 0 else empty
    lon_dt, longitudes = registers[job.longitude] if job.longitude >= 0 else empty
    if lat_dt == lon_dt:
        pairs = list(zip(lat_dt, latitudes, longitudes, strict=True))
    else:
        at = dict(zip(lon_dt, longitudes, strict=True))
        pairs = [
            (delta, latitude, at[delta])
            for delta, latitude in dict(zip(lat_dt, latitudes, strict=True)).items()
            if delta in at
        ]
        row[job.unpaired_slots[0]] += len(lat_dt) - len(pairs)
        row[job.unpaired_slots[1]] += len(lon_dt) - len(pairs)
    cells = [(delta, job.cell(latitude, longitude)) for delta, latitude, longitude in pairs]
    kept = [(delta, cell) for delta, cell in cells if cell is not None]
    for slot in job.off_grid_slots:
        row[slot] += len(cells) - len(kept)
    return [delta for delta, _ in kept], [cell for _, cell in kept]
