"""Rewriting at once what merging would rewrite some time: parts of another number of buckets.

And those of format 1, whatever their bucket. In: a lake that no sink has open. Out: the same rows
in parts of this format, each in its bucket. Each portion is one checkpoint: a kill leaves the parts
before it or after it, and running again goes on with what is left, which is found by looking at
whose rows a part holds. Once nothing is left, the lake forgets the numbers of before, by each of
which an erasure had to look.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sinks.lake.deletion.erase import MERGE_S_MAX
from sinks.lake.deletion.journal import settle
from sinks.lake.format import FORMAT_VERSION, Format, stored_format, write_format
from sinks.lake.layout import Partition, bucket_of, partition_of, read_bucket, read_part
from sinks.lake.merge import BEFORE_END_MS, Merger
from sinks.lake.merging import MERGE_PARTS_MAX, MERGE_ROWS_MAX, Candidate
from sinks.lake.opening import open_checkpoints
from sinks.lake.part_file import count_rows, texts_in
from sinks.lake.progress import Progress
from sinks.lake.room import told_if_full
from sinks.lake.standing import counted
from sinks.lake.steps import Hook, go_on
from sinks.lake.workplace import ERASING, SINK, Workplace
from sinks.lake.writing import Checkpoints, WrittenPart

PAUSE_S: Final = 0.1
"""Between two portions, so that an erasure or a restatement that waits has its turn."""
Clock = Callable[[], int]
"""The instant by which parts end, in milliseconds since 1970-01-01 UTC."""
Tell = Callable[[int, int], None]
"""Told how many rows are rewritten, of how many."""


class Outdated(NamedTuple):
    """A part that is not where its rows belong, or is of format 1."""

    place: Partition
    path: Path
    rows: int


class Outlook(NamedTuple):
    """What would be rewritten now."""

    buckets: int
    """How many there are to be."""
    before: Format
    outdated: tuple[Outdated, ...]
    unreadable: int
    """Parts of which nothing tells whose rows they hold; they stay until they end."""

    @property
    def rows(self) -> int:
        """The rows of all that is outdated."""
        return sum(one.rows for one in self.outdated)


class Rebucketed(NamedTuple):
    """What was rewritten."""

    outlook: Outlook
    """As it was before."""
    parts: int
    """Parts that are gone: their rows lie in others."""
    rows: int
    left: int
    """Parts that stay as they are: they cannot be read, are about to end, or found no room."""


def outlook(root: Path, buckets: int, in_place: set[Path] | None = None) -> Outlook:
    """What there is to rewrite; changes nothing. Reads the pseudonyms of parts. Blocks.

    Parts of ``in_place`` are passed over; those that turn out to be where they belong join it.
    LakeFormatError if there is no lake that we can read; MovingError as ``counted``.
    """
    before = stored_format(root)
    alike = before.all_buckets == (buckets,)
    outdated, unreadable = list[Outdated](), 0
    in_place = set() if in_place is None else in_place
    for one in counted(root):
        if one.path in in_place:
            continue
        part, bucket = read_part(one.path.name), _bucket(one.path)
        of_format_1 = part is not None and part.number == 0
        if not of_format_1 and (alike or bucket is None):
            continue  # which costs no reading
        people = texts_in(one.path, "pseudonym")
        if people is None:
            unreadable += one.path.exists()  # else it was swept a moment ago
        elif of_format_1 or any(bucket_of(who, buckets) != bucket for who in people):
            outdated.append(Outdated(one.place, one.path, count_rows(one.path) or 0))
        else:
            in_place.add(one.path)
    return Outlook(buckets, before, tuple(outdated), unreadable)


def rebucket(
    root: Path,
    buckets: int,
    window: int,
    compression: str,
    clock: Clock,
    *,
    tell: Tell = lambda _done, _total: None,
    at: Hook = go_on,
    wait_s: float = 2.0,
) -> Rebucketed:
    """Rewrite every part that is outdated, durably. For the one writer; ``window`` is the sink's.

    WorkplaceTakenError while a sink or an erasure is at work; LakeFormatError as for a sink;
    StoreFullError without room to begin.
    """
    stored_format(root)
    with told_if_full(), Workplace(root, SINK, wait_s) as workplace:
        before = stored_format(root)
        found = open_checkpoints(root, buckets, workplace.path, at)
        progress = Progress(found, window)
        writer = Checkpoints(root, progress, found[-1].number, workplace.path, at)
        merger = Merger(root, workplace.path, buckets, compression, at)
        with Workplace(root, ERASING, MERGE_S_MAX):
            settle(root)
        in_place = set[Path]()
        seen = outlook(root, buckets, in_place)
        rewriting = _Rewriting(merger, writer, clock, in_place)
        done = 0
        for portion in _portions(seen.outdated):
            with Workplace(root, ERASING, MERGE_S_MAX):
                rewriting.rewrite_what_is_there(portion, settle(root).all)
            done += sum(one.rows for one in portion)
            tell(done, seen.rows)
            time.sleep(PAUSE_S)
        with Workplace(root, ERASING, MERGE_S_MAX):
            settle(root)
            # A sweep may have taken parts meanwhile, and a restatement made others.
            again = outlook(root, buckets, in_place)
            left = len(again.outdated) + again.unreadable
            if not left and stored_format(root).earlier:
                write_format(root, Format(FORMAT_VERSION, buckets), at)
    return Rebucketed(seen._replace(before=before), rewriting.parts, rewriting.rows, left)


class _Rewriting:
    """What was rewritten so far."""

    def __init__(
        self, merger: Merger, writer: Checkpoints, clock: Clock, in_place: set[Path]
    ) -> None:
        self._merger = merger
        self._writer = writer
        self._clock = clock
        self._in_place = in_place
        self.parts = 0
        self.rows = 0

    def rewrite_what_is_there(self, portion: Sequence[Outdated], untouched: set[Path]) -> None:
        """Rewrite what is still there of it, but for what nobody may touch."""
        there = [one for one in portion if one.path not in untouched and one.path.exists()]
        if there:
            self._rewrite(there)

    def _rewrite(self, portion: Sequence[Outdated]) -> None:
        """Rewrite parts of one partition in one checkpoint; one by one, if one is damaged."""
        if self._is_about_to_end(portion[0].place):
            return  # the sweep counts its rows as they go, once
        chosen = [Candidate(one.path, _bucket(one.path), one.rows) for one in portion]
        before = self.parts
        self._merger.copy(portion[0].place, chosen, self._publish)
        if self.parts == before and len(portion) > 1:
            for one in portion:
                self._rewrite([one])

    def _publish(self, written: Sequence[WrittenPart], old: Sequence[Path]) -> None:
        # What was swept meanwhile must not come back, nor what is swept before this is done.
        if self._is_about_to_end(partition_of(old[0])) or not all(path.exists() for path in old):
            return
        # No instant: a clock that is ahead would have ids of duplicates forgotten.
        self._in_place.update(self._writer.close((), {}, 0, written, old))
        self.parts += len(old)
        self.rows += sum(part.rows for part in written)

    def _is_about_to_end(self, place: Partition) -> bool:
        return place.expires_ms <= self._clock() + BEFORE_END_MS


def _portions(outdated: Sequence[Outdated]) -> Iterator[list[Outdated]]:
    """Parts of one partition and one version, as many as are rewritten together."""
    portion: list[Outdated] = []
    key: tuple[Partition, int] | None = None
    for one in sorted(outdated, key=lambda one: (*_key(one), one.path)):
        full = sum(part.rows for part in portion) + one.rows > MERGE_ROWS_MAX
        if portion and (_key(one) != key or full or len(portion) == MERGE_PARTS_MAX):
            yield portion
            portion = []
        key = _key(one)
        portion.append(one)
    if portion:
        yield portion


def _key(one: Outdated) -> tuple[Partition, int]:
    part = read_part(one.path.name)
    return one.place, 0 if part is None else part.decided_by


def _bucket(path: Path) -> int | None:
    return read_bucket(path.parent.name)
