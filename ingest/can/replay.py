"""A recorded capture as envelopes, with every frame and every reading accounted for.

In: frames, a map bound to its database, a device. Out: envelopes in the order of the capture.
Pure: now comes as a shift; nothing is published here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ingest.batching import Reading, Source, batches, to_envelope
from ingest.can.bound import Codes, Value
from ingest.can.bound_map import BoundMap, There
from ingest.can.decode import Undecoded
from ingest.can.mapping import Unfit
from ingest.logs.frame import LogCounts, LoggedFrame
from telemetry.wire.envelope import Envelope

_KINDS_HELD: Final = 65_536
"""Kinds of frames for which it is found once what is collected."""


@dataclass(slots=True)
class ReplayCounts:
    """The outcome of every data frame and of every decoded value; grows as it runs."""

    decoded: int = 0
    undecoded: Counter[Undecoded] = field(default_factory=Counter)
    values: int = 0
    """Signals of decoded frames, and mapped ones that were cut off; each is one of the
    four that follow."""
    unmapped: int = 0
    unfit: Counter[Unfit] = field(default_factory=Counter)
    not_collected: int = 0
    readings: int = 0
    """Readings in envelopes."""
    envelopes: int = 0

    def unaccounted(self, log: LogCounts) -> int:
        """Frames and values that went missing after a whole run: 0, or there is a fault."""
        frames = log.data - self.decoded - self.undecoded.total()
        kept = self.unmapped + self.unfit.total() + self.not_collected + self.readings
        return abs(frames) + abs(self.values - kept)


def replay(
    frames: Iterable[LoggedFrame],
    bound: BoundMap,
    collected: AbstractSet[str],
    source: Source,
    shift_us: int,
    counts: ReplayCounts,
) -> Iterator[Envelope]:
    """Decode, map, gate and batch. ``source.id_shift_ms`` is to be ``shift_us // 1000``."""
    groups = _groups(frames, bound, collected, shift_us, counts)
    for index, batch in enumerate(batches(groups)):
        counts.envelopes += 1
        counts.readings += len(batch.readings)
        yield to_envelope(batch, source, index)


def _groups(
    frames: Iterable[LoggedFrame],
    bound: BoundMap,
    collected: AbstractSet[str],
    shift_us: int,
    counts: ReplayCounts,
) -> Iterator[list[Reading]]:
    kinds: dict[There, _Collected] = {}
    for frame in frames:
        taken = bound.take(frame)
        if isinstance(taken, Undecoded):
            counts.undecoded[taken] += 1
            continue
        there, codes = taken
        counts.decoded += 1
        counts.values += there.values
        counts.unmapped += there.unmapped
        kept = kinds.get(there)
        if kept is None:
            kept = _collected(there, collected)
            if len(kinds) < _KINDS_HELD:
                kinds[there] = kept
        counts.not_collected += kept.not_collected
        if kept.cut_off:
            counts.unfit[Unfit.CUT_OFF] += kept.cut_off
        t_ms = (frame.t_us + shift_us) // 1000
        group = []
        for value_in, path, unit in kept.signals:
            value = value_in(codes)
            if isinstance(value, Unfit):
                counts.unfit[value] += 1
            else:
                group.append(Reading(t_ms, path, unit, value))
        if group:
            yield group


class _Collected(NamedTuple):
    """What the plan collects of frames of one kind."""

    signals: tuple[tuple[Callable[[Codes], Value], str, str], ...]
    """What gives the value, its path and unit."""
    cut_off: int
    not_collected: int


def _collected(there: There, collected: AbstractSet[str]) -> _Collected:
    signals = [one for one in there.mapped if one.mapped.signal.path in collected]
    cut_off = [one for one in there.cut_off if one.mapped.signal.path in collected]
    return _Collected(
        tuple((one.value, one.mapped.signal.path, one.mapped.signal.unit) for one in signals),
        len(cut_off),
        len(there.mapped) + len(there.cut_off) - len(signals) - len(cut_off),
    )
