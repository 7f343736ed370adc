"""What a lake holds and what is wrong with it: ``roadfade lake check``. Changes nothing."""

from pathlib import Path

from sinks.lake.checkpoints import (
    LOOKS_MAX,
    CheckpointDamagedError,
    Kept,
    newest,
    newest_number,
    read_all,
)
from sinks.lake.deletion.journal import broken_notes
from sinks.lake.format import FORMAT_VERSION, LakeFormatError, is_of_format_1, stored_format
from sinks.lake.format_1.half_written import above_markers, foreign_notes
from sinks.lake.format_1.markers import damaged_markers
from sinks.lake.layout import STAGED, STORE_FILE, entries, files, partitions
from sinks.lake.opening import Above, above_checkpoint, chain
from sinks.lake.part_file import unreadable_parts
from sinks.lake.staged import read_staged, staged
from sinks.lake.standing import outputs_of
from sinks.lake.store_name import store_name
from sinks.lake.survey import said_place, survey
from sinks.port.results import Checked, Oddity, Strange


def check(root: Path, now_ms: int) -> Checked:
    """What the lake holds and what is wrong with it. Reads every part."""
    kept = read_all(root)
    refused = _refused(root, kept)
    found = [(place, path) for place in partitions(root) for path in files(place)]
    found += [(one.place, one.path) for one in staged(root)]
    overdue = sum(place.expires_ms <= now_ms for place, _ in found)
    damaged = unreadable_parts([path for _, path in found])
    above = _above(root)
    strange = [*survey(root), *_records(root, kept), *broken_notes(root), *foreign_in(root)]
    strange += (
        Strange(Oddity.UNREADABLE, said_place(path, root), "its rows cannot be read")
        for path in damaged
        if path.exists()
    )
    unproven = tuple(said_place(path, root) for path in above.unproven)
    half_written = len(above.half_written)
    return Checked(
        tuple(outputs_of(root)),
        len(found),
        overdue,
        half_written,
        unproven,
        tuple(strange),
        refused,
    )


def _refused(root: Path, kept: Kept) -> str | None:
    """Why no sink would open it; what is damaged says so itself."""
    try:
        if stored_format(root).v == FORMAT_VERSION and not kept.damaged:
            chain(kept)
        if (root / STORE_FILE).exists():
            store_name(root)
    except LakeFormatError as error:
        return str(error)
    return None


def foreign_in(root: Path) -> list[Strange]:
    """What in the folders of parts under way is none of them."""
    why = "not a part that waits for its place"
    return [
        *foreign_notes(root),
        *(
            Strange(Oddity.FOREIGN, said_place(path, root), why)
            for path in entries(root / STAGED)
            if read_staged(root, path.name) is None and (path.is_symlink() or path.exists())
        ),
    ]


def _above(root: Path) -> Above:
    """What lies above the newest checkpoint, at a moment at which that stayed the newest."""
    if is_of_format_1(root):
        found = above_markers(root)
        return Above(found.half_written, found.unproven)
    above = Above()
    for _ in range(LOOKS_MAX):
        number = newest_number(root)
        try:
            above = above_checkpoint(root, newest(root))
        except CheckpointDamagedError:
            return Above()
        if number == newest_number(root):
            break
    return above


def _records(root: Path, kept: Kept) -> list[Strange]:
    return damaged_markers(root) if is_of_format_1(root) else kept.damaged
