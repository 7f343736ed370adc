"""Which parts count at one moment: the newest checkpoint says it, whatever its carrying out left.

Readers that go by it see every row once, also while a sink, or its death, is between a checkpoint
and its carrying out. A lake of format 1 has no checkpoint: all its parts count.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from sinks.lake.checkpoints import LOOKS_MAX, CheckpointDamagedError, newest, newest_number
from sinks.lake.deletion.journal import half_done
from sinks.lake.layout import Partition, files, outputs, partitions, read_part
from sinks.lake.staged import read_staged, staged, staged_path
from sinks.port.sink import StoreTakenError

T = TypeVar("T")


class Standing(NamedTuple):
    """What the newest checkpoint says of parts; of a lake without one nothing."""

    number: int | None = None
    replaced: frozenset[Path] = frozenset()
    """Parts that do not count any more, should they still be there."""
    brought: frozenset[Path] = frozenset()
    """Parts that count already, also while they wait in ``_staged``."""

    def counts(self, path: Path) -> bool:
        """Whether a part in its place counts."""
        part = read_part(path.name)
        if part is None or path in self.replaced:
            return False
        return self.number is None or part.number <= self.number


class CountedPart(NamedTuple):
    """A part that counts, and whose rows it holds."""

    place: Partition
    path: Path
    """Where it lies now."""


def outputs_of(root: Path) -> list[str]:
    """The ids of all outputs that ever had rows here, sorted; some may wait for their place."""
    return sorted({*outputs(root), *(one.place.output for one in staged(root))})


class MovingError(StoreTakenError):
    """Parts were moved at every look: it is worth trying again a little later."""

    def __init__(self) -> None:
        super().__init__("a sink moved parts of the lake at every look: try again")


def standing(root: Path) -> Standing:
    """What the newest checkpoint says. CheckpointDamagedError if it is not whole."""
    found = newest(root)
    if found is None:
        return Standing()
    replaced = frozenset(root / place for place in found.replaced)
    return Standing(found.number, replaced, frozenset(root / part.place for part in found.parts))


def standing_if_known(root: Path) -> Standing:
    """The same; of a lake whose newest checkpoint is damaged, nothing: every part counts."""
    try:
        return standing(root)
    except CheckpointDamagedError:
        return Standing()


def counted(root: Path, output: str | None = None) -> list[CountedPart]:
    """The parts that count, all at one moment, each row in one of them; MovingError if none came.

    A merge may move rows between parts meanwhile, and a restatement between partitions: two equal
    listings, with no checkpoint and no step of a restatement in between, show one moment. All
    there are, if the newest checkpoint is damaged: whoever must not see a row twice asks
    ``standing`` first.
    """
    for _ in range(LOOKS_MAX):
        moment = newest_number(root), half_done(root)
        found = list(_counted(root, output, standing_if_known(root)))
        again = list(_counted(root, output, standing_if_known(root)))
        if found == again and moment == (newest_number(root), half_done(root)):
            _, undone = moment
            return [part for part in found if part.path not in undone]
    raise MovingError


def _counted(root: Path, output: str | None, now: Standing) -> Iterator[CountedPart]:
    # Looked for before the places are listed: what moves meanwhile is seen in one of the two.
    waiting = {final for final in now.brought if staged_path(root, final).exists()}
    for place in partitions(root, output):
        for path in files(place):
            waiting.discard(path)
            if now.counts(path):
                yield CountedPart(place, path)
    for final in sorted(waiting):
        part = read_staged(root, staged_path(root, final).name)
        if part is not None and output in (None, part.place.output):
            yield CountedPart(part.place, part.path)


def looked_at(root: Path, look: Callable[[Sequence[CountedPart]], T]) -> T:
    """What ``look`` makes of the parts that count, all of which were there until it was done.

    It is called again, over what counts then, if a part went meanwhile: merged, its rows lie in
    another, which it did not see. MovingError if one went at every look. What ``look`` raises while
    none went is raised.
    """
    for _ in range(LOOKS_MAX):
        parts = counted(root)
        try:
            seen = look(parts)
        except Exception:
            if all(part.path.exists() for part in parts):
                raise
            continue
        if all(part.path.exists() for part in parts):
            return seen
    raise MovingError
