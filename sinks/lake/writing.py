"""The writer's side of checkpoints: stage parts, put a checkpoint, carry it out. Blocks.

In that order, each step durable before the next: a kill at any point loses and doubles nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sinks.lake.checkpoints import (
    CHECKPOINTS_MAX,
    At,
    Checkpoint,
    NewPart,
    SeenAt,
    drop,
    numbers_in,
    put,
)
from sinks.lake.durable import sync_directory
from sinks.lake.layout import STAGED, Part, bucket_directory
from sinks.lake.part_file import Appended
from sinks.lake.progress import Progress, Spot
from sinks.lake.publication import carry_out
from sinks.lake.staged import staged_path
from sinks.lake.steps import Hook, Step
from sinks.port.duplicates import Seen


class WrittenPart(NamedTuple):
    """A part that is durable under a temporary name, and has no place yet."""

    temporary: Path
    output: str
    expires_ms: int
    bucket: int | None
    """None: it holds rows of every bucket."""
    rows: int
    size_bytes: int
    seal: str
    appended: Appended
    decided_by: int = 0


class Checkpoints:
    """Puts one checkpoint after the other. One thread at a time."""

    def __init__(
        self, root: Path, progress: Progress, number: int, workplace: Path, at: Hook
    ) -> None:
        self._root = root
        self._progress = progress
        self._number = number
        self._workplace = workplace
        self._at = at
        self._undone: Checkpoint | None = None
        """Put, and not carried out to its end: the newest alone is carried out by who opens."""

    def close(
        self,
        places: Sequence[At],
        seen: Mapping[Spot, Sequence[Seen]],
        now_ms: int,
        parts: Sequence[WrittenPart] = (),
        replaced: Iterable[Path] = (),
        *,
        whole: bool = False,
    ) -> list[Path]:
        """Put a checkpoint and carry it out; the parts' paths then. Durable on return.

        ``places`` are those that moved, ``seen`` the ids they kept. Ids of expired records are
        left out if it is to be ``whole``, as every ``CHECKPOINTS_MAX``-th is.
        """
        self._carry_out()
        number = self._number + 1
        known = numbers_in(self._root)
        whole = whole or len(known) >= CHECKPOINTS_MAX
        new = [self._stage(one, Part(number, index)) for index, one in enumerate(parts)]
        if new:
            sync_directory(self._root / STAGED)
            self._at(Step.STAGED_DURABLE)
        if whole:
            ids = self._progress.remembered(now_ms, seen)
        else:
            ids = [SeenAt(*spot, list(found)) for spot, found in seen.items() if found]
        gone = [str(path.relative_to(self._root)) for path in replaced]
        checkpoint = Checkpoint(number, self._progress.moved(places), ids, whole, new, gone)
        put(self._root, checkpoint, self._workplace, self._at)
        self._number, self._undone = number, checkpoint
        self._progress.take(places)
        self._progress.remember(SeenAt(*spot, list(found)) for spot, found in seen.items())
        self._carry_out()
        if whole:
            self._progress.forget(now_ms)
            drop(self._root, known, self._at)
        return [self._root / one.place for one in new]

    def _carry_out(self) -> None:
        if self._undone is not None:
            carry_out(self._root, self._undone, self._at)
            self._undone = None

    def _stage(self, written: WrittenPart, part: Part) -> NewPart:
        folder = bucket_directory(self._root, written.output, written.expires_ms, written.bucket)
        final = folder / part._replace(decided_by=written.decided_by).name
        written.temporary.replace(staged_path(self._root, final))
        self._at(Step.STAGED)
        return NewPart(
            str(final.relative_to(self._root)),
            written.rows,
            written.size_bytes,
            written.seal,
            *written.appended,
        )
