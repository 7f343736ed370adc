"""Readings to envelopes: columns of 50 to 200 readings, nothing lost, nothing doubled.

In: groups of readings (those of one frame or one answer stay together, so a latitude
keeps its longitude). Out: envelopes whose ids depend on the source and the index alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ingest.envelope_id import envelope_id, opaque_id
from telemetry.identity import DeviceId
from telemetry.instants import to_datetime
from telemetry.wire.envelope import Clock, Column, Envelope, Quality

READINGS_TARGET: Final = 120
BATCH_READINGS_MAX: Final = 200
"""A reading takes well under 1 KiB, so an envelope stays far below its 256 KiB."""
SPAN_MS_MAX: Final = 60_000
BACK_MS_MAX: Final = 1_000
"""Merged buses come a little out of order; a longer step back is a clock that was set."""


class Reading(NamedTuple):
    """One value of one signal at one instant, in the catalogue's unit."""

    t_ms: int
    path: str
    unit: str
    value: float | str | bool


class Batch(NamedTuple):
    """Readings that become one envelope."""

    readings: tuple[Reading, ...]
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Whose readings these are, and what makes their ids: the same digest, the same ids."""

    device: DeviceId
    digest: str
    quality: Quality
    read_from: str
    """The source that its envelopes name."""
    id_shift_ms: int = 0
    """Taken off the time inside an id, so that a shifted replay makes the same ids."""


def batches(groups: Iterable[Sequence[Reading]]) -> Iterator[Batch]:
    """Cut a stream of groups into batches: by count, by time, and if the clock was set back."""
    held: list[Reading] = []
    for group in _within_a_span(groups):
        full = len(held) + len(group) > READINGS_TARGET
        if held and (full or not runs_on(held[0].t_ms, held[-1].t_ms, group[0].t_ms)):
            yield Batch(tuple(held))
            held = []
        held.extend(group)
        while len(held) > BATCH_READINGS_MAX:
            yield Batch(tuple(held[:BATCH_READINGS_MAX]))
            del held[:BATCH_READINGS_MAX]
    if held:
        yield Batch(tuple(held))


def runs_on(first_ms: int, last_ms: int, next_ms: int) -> bool:
    """If a reading belongs into the envelope that holds these two: near, and no clock set back.

    Every ``dt`` stays far within what the wire allows.
    """
    return abs(next_ms - first_ms) <= SPAN_MS_MAX and next_ms >= last_ms - BACK_MS_MAX


def _within_a_span(groups: Iterable[Sequence[Reading]]) -> Iterator[Sequence[Reading]]:
    """The groups, those cut within which the clock jumps."""
    for group in groups:
        if len({reading.t_ms for reading in group}) == 1:
            yield group  # the readings of one frame
            continue
        start = 0
        for n in range(1, len(group)):
            if not runs_on(group[start].t_ms, group[n - 1].t_ms, group[n].t_ms):
                yield group[start:n]
                start = n
        if group:
            yield group[start:]


def to_envelope(batch: Batch, source: Source, index: int, t0_ms: int | None = None) -> Envelope:
    """The envelope of the ``index``-th batch; t0 is the first reading's time unless given."""
    first_ms = batch.readings[0].t_ms if t0_ms is None else t0_ms
    series: dict[str, Column] = {}
    for reading in batch.readings:
        t_ms, path, unit, value = reading
        column = series.get(path)
        if column is None:
            column = series[path] = Column(unit, [], [])
        column.dt.append(t_ms - first_ms)
        column.value.append(value)
    return Envelope(
        v=1,
        id=envelope_id(first_ms - source.id_shift_ms, source.digest, source.device, index),
        device=str(source.device),
        source=source.read_from,
        boot=opaque_id("boot", source.digest, source.device),
        seq=index,
        clock=Clock(to_datetime(first_ms), source.quality),
        series=series,
        dtc=list(batch.codes),
    )
