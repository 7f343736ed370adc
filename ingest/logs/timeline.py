"""What a capture's stamps say about its clock: which run on, which jump, and which are wild.

In: the stamps of all data frames in the order of the capture. Out: parts, within each of which
the clock runs on, and the frames that belong to none. Pure. A logger without a battery begins in
1970 or 2000 and is set later; a single stamp can be garbage; both ruin a drive that trusts them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from telemetry.instants import DAY_MS, MINUTE_MS

STEP_US: Final = MINUTE_MS * 1_000
"""A smaller step, in either direction, is the clock running on: buses are merged unsorted."""
GAP_US: Final = 7 * DAY_MS * 1_000
"""A longer gap is a clock being set and not a car being parked."""
WILD_FRAMES_MAX: Final = 16
"""This many frames out of the order of those around them are garbage; more are another clock."""
STRETCHES_MAX: Final = 100_000
_INSTANT_US: Final = (-DAY_MS * 1_000, 4_102_444_800_000_000)
"""A day before 1970, for what counts from zero, up to 2100: no clock shows anything else."""
_END_FRAMES_MAX: Final = 2
_REST_FRAMES_MIN: Final = 3


class Part(NamedTuple):
    """Data frames of one clock: first and latest stamp (microseconds), and how many there are."""

    first_us: int
    last_us: int
    frames: int


class Stretch(NamedTuple):
    """Consecutive frames without a step; ``part`` is the index of theirs, None if wild."""

    frames: int
    part: int | None


class Timeline(NamedTuple):
    """The capture's parts in its own order, and every stretch of it."""

    parts: tuple[Part, ...]
    stretches: tuple[Stretch, ...]

    @property
    def frames(self) -> int:
        """All data frames."""
        return sum(stretch.frames for stretch in self.stretches)

    @property
    def wild(self) -> int:
        """Frames that belong to no part."""
        return sum(stretch.frames for stretch in self.stretches if stretch.part is None)

    def part_of_each(self) -> Iterator[int | None]:
        """The part of every data frame, in order."""
        for stretch in self.stretches:
            for _ in range(stretch.frames):
                yield stretch.part


def timeline(stamps_us: Iterable[int]) -> Timeline:
    """Read all stamps. OverflowError if they jump more than 100,000 times: that is no recording."""
    runs = list(_runs(stamps_us))
    wild = {n for n, run in enumerate(runs) if not _INSTANT_US[0] <= run.first_us < _INSTANT_US[1]}
    left = [n for n in range(len(runs)) if n not in wild]
    wild |= {left[n] for n in _out_of_order([runs[n] for n in left])}
    left = [n for n in left if n not in wild]
    wild |= {left[n] for n in _strays_at_ends([runs[n] for n in left])}
    parts: list[Part] = []
    stretches = []
    for n, run in enumerate(runs):
        if n in wild:
            stretches.append(Stretch(run.frames, None))
            continue
        before = parts[-1] if parts else None
        if before and -STEP_US <= run.first_us - before.last_us <= GAP_US:
            last_us = max(before.last_us, run.last_us)
            parts[-1] = Part(before.first_us, last_us, before.frames + run.frames)
        else:
            parts.append(run)
        stretches.append(Stretch(run.frames, len(parts) - 1))
    return Timeline(tuple(parts), tuple(stretches))


def _runs(stamps_us: Iterable[int]) -> Iterator[Part]:
    first_us = last_us = previous_us = frames = count = 0
    for stamp_us in stamps_us:
        if frames and abs(stamp_us - previous_us) > STEP_US:
            yield Part(first_us, last_us, frames)
            frames = 0
            count += 1
            if count > STRETCHES_MAX:
                msg = f"the clock jumps more than {STRETCHES_MAX:,} times"
                raise OverflowError(msg)
        if not frames:
            first_us = last_us = stamp_us
        last_us = max(last_us, stamp_us)
        previous_us = stamp_us
        frames += 1
    if frames:
        yield Part(first_us, last_us, frames)


class _Chain(NamedTuple):
    """Runs in order: more frames are better, then a later beginning, so that it is shorter."""

    frames: int
    first_us: int
    run: int
    before: "_Chain | None"


def _out_of_order(runs: Sequence[Part]) -> set[int]:
    """Short runs that lie between two others in order and are not: the heaviest chain decides."""
    if all(later.first_us >= earlier.last_us - STEP_US for earlier, later in pairwise(runs)):
        return set()
    chain = _heaviest(runs)
    kept = []
    while chain is not None:
        kept.append(chain.run)
        chain = chain.before
    found: set[int] = set()
    for later, earlier in pairwise(kept):
        between = range(earlier + 1, later)
        if all(runs[n].frames <= WILD_FRAMES_MAX for n in between):
            found.update(between)
    return found


def _heaviest(runs: Sequence[Part]) -> _Chain | None:
    # The best chains by where they end; a later end is kept only if its chain is better.
    ends: list[int] = []
    best: list[_Chain] = []
    for n, run in enumerate(runs):
        at = bisect_right(ends, run.first_us + STEP_US) - 1
        one = _Chain(run.frames, run.first_us, n, None)
        if at >= 0:
            one = _Chain(best[at].frames + run.frames, best[at].first_us, n, best[at])
        place = bisect_left(ends, run.last_us)
        if place and best[place - 1][:2] >= one[:2]:
            continue
        while place < len(ends) and best[place][:2] <= one[:2]:
            del ends[place], best[place]
        ends.insert(place, run.last_us)
        best.insert(place, one)
    return best[-1] if best else None


def _strays_at_ends(runs: Sequence[Part]) -> set[int]:
    """A frame or two at either end, over a day and further away than all else is long."""
    found: set[int] = set()
    for end, rest in ((0, runs[1:]), (len(runs) - 1, runs[:-1])):
        if not rest or end in found:
            continue
        run, near = runs[end], rest[0] if end == 0 else rest[-1]
        away_us = max(run.first_us - near.last_us, near.first_us - run.last_us)
        span_us = max(one.last_us for one in rest) - min(one.first_us for one in rest)
        few = run.frames <= _END_FRAMES_MAX
        enough = sum(one.frames for one in rest) >= _REST_FRAMES_MIN
        if few and enough and away_us > max(DAY_MS * 1_000, span_us):
            found.add(end)
    return found
