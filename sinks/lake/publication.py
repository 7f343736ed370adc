"""Carrying out what a checkpoint says: its parts take their places, what they replace goes.

Anybody may do so, again and again: a part that is not staged any more has its place, was erased,
or was swept. Until it is done, ``standing`` reads the checkpoint and sees the same rows.
"""

from pathlib import Path

from sinks.lake.checkpoints import Checkpoint, CheckpointDamagedError, newest
from sinks.lake.durable import make_directory, move, sync_if_there
from sinks.lake.layout import STAGED
from sinks.lake.staged import staged_path
from sinks.lake.steps import Hook, Step, go_on


def carry_out(root: Path, checkpoint: Checkpoint, at: Hook = go_on) -> None:
    """Give parts their places and remove what they replace; durable on return. Blocks."""
    folders = set[Path]()
    for part in checkpoint.parts:
        final = root / part.place
        waiting = staged_path(root, final)
        if waiting.exists():
            _place(waiting, final)
            at(Step.PART_RENAMED)
        folders.add(final.parent)
    for folder in folders:
        sync_if_there(folder)
    for place in checkpoint.replaced:
        # Not before the new ones are durable: they hold the same rows.
        (root / place).unlink(missing_ok=True)
        at(Step.OLD_PART_REMOVED)
    for folder in {(root / place).parent for place in checkpoint.replaced}:
        _tidy(folder)
    # Else a power cut could bring a staged part back over one that was erased since.
    sync_if_there(root / STAGED)
    at(Step.PARTS_DURABLE)


def settle(root: Path) -> None:
    """Carry out the newest checkpoint, should whoever made it have died before. Blocks."""
    try:
        checkpoint = newest(root)
    except CheckpointDamagedError:
        return
    if checkpoint is not None and (checkpoint.parts or checkpoint.replaced):
        carry_out(root, checkpoint)


def prepare(root: Path) -> None:
    """Make the folder in which parts wait."""
    make_directory(root / STAGED)


def _place(waiting: Path, final: Path) -> None:
    try:
        move(waiting, final)
    except FileNotFoundError:
        if waiting.exists():
            raise  # the place could not be made
        # Somebody else carried the same out, or a sweep took it: it is done.


def _tidy(folder: Path) -> None:
    sync_if_there(folder)
    try:
        folder.rmdir()
    except OSError:
        return  # it holds other parts
    sync_if_there(folder.parent)
