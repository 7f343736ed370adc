"""Opening a lake for its one writer: what counts, how far it is, and what a killed writer left.

A start trusts the newest checkpoint. It carries that out, and removes what waits in ``_staged``
without having been named by one: such a checkpoint never came to be, and its records come again.
A part of a checkpoint above the newest shows that checkpoints are lost. It may be the only copy, so
nothing is deleted and the lake is not opened.
"""

from dataclasses import dataclass, field
from pathlib import Path

from sinks.lake.checkpoints import (
    Checkpoint,
    CheckpointDamagedError,
    Kept,
    drop,
    newest,
    numbers_in,
    put,
    read_all,
)
from sinks.lake.durable import sync_if_there
from sinks.lake.format import (
    FORMAT_VERSION,
    LakeDamagedError,
    LakeFormatError,
    begin,
    settle_buckets,
    stored_format,
)
from sinks.lake.format_1.migration import migrate, remove_markers
from sinks.lake.layout import STAGED, files, partitions, read_part
from sinks.lake.publication import carry_out, prepare
from sinks.lake.staged import staged, staged_path
from sinks.lake.steps import Hook
from sinks.lake.survey import said_place
from telemetry.newer_files import WRITTEN_LATER


@dataclass(slots=True)
class Above:
    """Parts that the newest checkpoint does not know."""

    half_written: list[Path] = field(default_factory=list)
    """They wait for a checkpoint that never came to be: their records come again."""
    unproven: list[Path] = field(default_factory=list)
    """They are of checkpoints that are not there."""


def open_checkpoints(root: Path, buckets: int, temporary: Path, at: Hook) -> list[Checkpoint]:
    """The checkpoints since the last whole one, the newest last; the lake is as it says. Blocks.

    LakeFormatError if it cannot be opened as it is; nothing was deleted then.
    """
    begin(root, buckets, at)
    stored = stored_format(root)
    if stored.v < FORMAT_VERSION:
        migrate(root, stored, temporary, at)
    found = chain(read_all(root))
    above = above_checkpoint(root, found[-1] if found else None)
    if above.unproven:
        first = said_place(above.unproven[0], root)
        msg = (
            f"{len(above.unproven)} parts of this lake lie above its newest checkpoint (the first "
            f"is {first}). {_REMEDY}"
        )
        raise LakeDamagedError(msg)
    prepare(root)
    if not found:
        found = [Checkpoint(1, [], whole=True)]
        put(root, found[0], temporary, at)
    settle_buckets(root, buckets, at)
    carry_out(root, found[-1], at)
    _remove(root, above.half_written)
    remove_markers(root, at)
    drop(root, [number for number in numbers_in(root) if number < found[0].number], at)
    return found


def clear_half_written(root: Path) -> None:
    """Remove what waits, and no checkpoint names or will name. For who keeps every sink away.

    Nothing goes if the newest checkpoint is damaged, so that nothing says which those are. Blocks.
    """
    try:
        found = newest(root)
    except CheckpointDamagedError:
        return
    _remove(root, above_checkpoint(root, found).half_written)


def above_checkpoint(root: Path, newest: Checkpoint | None) -> Above:
    """What lies above the newest checkpoint. Changes nothing."""
    number = 0 if newest is None else newest.number
    named = set[Path]() if newest is None else {root / part.place for part in newest.parts}
    above = Above()
    for place in partitions(root):
        for path in files(place):
            part = read_part(path.name)
            if part is not None and part.number > number:
                above.unproven.append(path)
    for waiting in staged(root):
        part = read_part(waiting.final.name)
        if part is None or waiting.final in named:
            continue
        soon = part.number <= number + 1
        (above.half_written if soon else above.unproven).append(staged_path(root, waiting.final))
    return above


_REMEDY = (
    "Checkpoints must have been lost. Nothing was deleted: put `_checkpoints` back from a backup, "
    "or, if the topics still hold these records, move the parts away; `roadfade lake check` lists "
    "them"
)


def chain(kept: Kept) -> list[Checkpoint]:
    """The checkpoints since the last whole one, in order. LakeDamagedError if one is lost.

    LakeFormatError if one is a later program's.
    """
    if kept.newer:
        msg = f"{kept.newer[0].place} of this lake {WRITTEN_LATER}"
        raise LakeFormatError(msg)
    if kept.damaged:
        msg = (
            f"{kept.damaged[0].place} is damaged, or is no checkpoint of this lake. Nothing was "
            "deleted: put `_checkpoints` back from a backup, or move away what is not the lake's; "
            "`roadfade lake check` lists what there is"
        )
        raise LakeDamagedError(msg)
    found: list[Checkpoint] = []
    for number in reversed(kept.checkpoints):
        if found and (found[-1].whole or number != found[-1].number - 1):
            break
        found.append(kept.checkpoints[number])
    if found and not found[-1].whole:
        msg = f"the checkpoint before {found[-1].number} of this lake is missing. {_REMEDY}"
        raise LakeDamagedError(msg)
    return found[::-1]


def _remove(root: Path, paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)  # a sweep beside us may have been first
    if paths:
        sync_if_there(root / STAGED)
