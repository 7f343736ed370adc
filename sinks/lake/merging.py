"""Which parts of one output and expiry are worth merging. Pure.

A write leaves parts that hold every bucket (*fresh* ones), and few of them may lie there: four are
split into buckets. A bucket's parts are then merged as often as keeps them few, the smaller with
the smaller: a row is copied a few times in an hour of parts, and not at all once its part is full.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PARTS_MAX: Final = 3
"""So many parts that are not full may lie in one bucket, and so many fresh ones."""
FULL_ROWS: Final = 2_000_000
"""A part of so many rows is never copied again."""
MERGE_ROWS_MAX: Final = 4_000_000
"""So many rows are in memory at once, some 60 bytes each."""
MERGE_PARTS_MAX: Final = 256


class Candidate(NamedTuple):
    """A part that may be merged."""

    path: Path
    bucket: int | None
    """None: it is fresh."""
    rows: int


def to_merge(parts: Sequence[Candidate], buckets: int) -> list[Candidate]:
    """The parts to make anew together, split into ``buckets``; none if it is not worth it.

    Parts of one output, one expiry, and one version that decided on it.
    """
    fresh = sorted((one for one in parts if one.bucket is None), key=lambda one: one.rows)
    chosen = fresh if len(fresh) > PARTS_MAX else []
    incoming = sum(one.rows for one in chosen) // buckets
    for bucket in sorted({one.bucket for one in parts if one.bucket is not None}):
        mine = [one for one in parts if one.bucket == bucket and one.rows < FULL_ROWS]
        chosen = [*chosen, *_of_bucket(mine, incoming)]
    return _within_limits(chosen)


def _of_bucket(parts: Iterable[Candidate], incoming: int) -> list[Candidate]:
    """The parts of one bucket to merge with so many rows that come to it, perhaps none."""
    waiting = sorted(parts, key=lambda one: one.rows)
    room = PARTS_MAX - 1 if incoming else PARTS_MAX
    if not incoming and len(waiting) <= room:
        return []
    chosen: list[Candidate] = []
    rows = incoming
    # One as small as all before it costs little; beyond the limit, the smallest have to.
    while waiting and (waiting[0].rows <= rows or len(waiting) > room):
        chosen.append(waiting.pop(0))
        rows += chosen[-1].rows
        room = PARTS_MAX - 1
    return chosen


def _within_limits(chosen: Sequence[Candidate]) -> list[Candidate]:
    taken: list[Candidate] = []
    rows = 0
    for one in chosen:
        if taken and (rows + one.rows > MERGE_ROWS_MAX or len(taken) == MERGE_PARTS_MAX):
            break
        taken.append(one)
        rows += one.rows
    return taken if len(taken) > 1 or (taken and taken[0].bucket is None) else []
