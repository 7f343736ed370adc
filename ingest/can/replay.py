"""A recorded capture as envelopes, with every frame and every reading accounted for.

In: frames, a map bound to its database, a device. Out: envelopes in the order of the capture.
Pure: now comes as a shift; nothing is published here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from ingest.batching import Reading, Source, batches, to_envelope
from ingest.can.bound_map import BoundMap
from ingest.can.decode import Undecoded
from ingest.can.mapping import Unfit
from ingest.logs.frame import LogCounts, LoggedFrame
from telemetry.wire.envelope import Envelope


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
    for frame in frames:
        taken = bound.take(frame)
        if isinstance(taken, Undecoded):
            counts.undecoded[taken] += 1
            continue
        there, codes = taken
        counts.decoded += 1
        counts.values += there.values
        counts.unmapped += there.unmapped
        for one in there.cut_off:
            if one.mapped.signal.path in collected:
                counts.unfit[Unfit.CUT_OFF] += 1
            else:
                counts.not_collected += 1
        t_ms = (frame.t_us + shift_us) // 1000
        group = []
        for one in there.mapped:
            signal = one.mapped.signal
            if signal.path not in collected:
                counts.not_collected += 1
                continue
            value = one.value(codes)
            if isinstance(value, Unfit):
                counts.unfit[value] += 1
                continue
            group.append(Reading(t_ms, signal.path, signal.unit, value))
        if group:
            yield group
