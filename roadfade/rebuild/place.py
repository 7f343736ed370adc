"""The place of an office that is rebuilt: whether it is free, and how it is taken.

In: settings, a database made beside its place. Out: that in its place, and what lay there under
another name; or a refusal.
"""

import shutil
from pathlib import Path

from roadfade.backup.beside import ENDINGS, left_beside
from roadfade.backup.manifest import sync_folder
from roadfade.backup.schemas import OFFICE
from roadfade.rebuild.steps import Hook, Step
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from sinks.lake.durable import sync_file
from telemetry.instants import format_instant


def require_place(settings: Settings, *, move_aside: bool) -> bool:
    """Refusal if something is there, unless it may be moved aside; whether there is."""
    if settings.restoring_dir.exists():
        msg = (
            f"a restore into {settings.state_dir} was cut, or is at work: finish that one first "
            "(the same `roadfade restore` again)"
        )
        raise Refusal(msg)
    place = settings.office_path
    there = [place.name] if place.exists() else []
    there += left_beside(place)
    if there and not move_aside:
        msg = (
            f"{', '.join(there)} in {settings.state_dir}: there is an office, and none is "
            "overwritten. If it is damaged, stop every process and run this with --move-aside; "
            "what is moved holds persons, and is yours to delete"
        )
        raise Refusal(msg)
    return bool(there)


def take_place(settings: Settings, now_ms: int, at: Hook) -> Path | None:
    """Move away what is there, its log last: without a database nobody plays it; then take it."""
    place, folder = settings.office_path, settings.state_dir
    aside = _aside(settings, now_ms)
    moved = None
    for ending in ("", *ENDINGS):
        one = place.with_name(place.name + ending)
        if one.exists():
            one.rename(aside.with_name(aside.name + ending))
            sync_folder(folder)
            moved = aside
            at(Step.MOVED_ASIDE)
    at(Step.CLEARED)
    (settings.rebuilding_dir / OFFICE).rename(place)
    sync_folder(folder)
    at(Step.PLACED)
    return moved


def _aside(settings: Settings, now_ms: int) -> Path:
    """The name of what is moved: the log of one whose move was cut takes that one's."""
    place = settings.office_path
    cut = sorted(settings.state_dir.glob(settings.lost_office_path("*Z").name))
    if cut and not place.exists():
        has = {one.removeprefix(cut[-1].name) for one in left_beside(cut[-1])}
        if has.isdisjoint(one.removeprefix(place.name) for one in left_beside(place)):
            return cut[-1]
    return settings.lost_office_path(format_instant(now_ms).replace("-", "").replace(":", ""))


def make_durable(file: Path) -> None:
    """On the disk, whole; Refusal if rows still lie beside it."""
    left = left_beside(file)
    if left:  # its newest rows would stay behind
        msg = f"{', '.join(left)} did not close: repeat"
        raise Refusal(msg)
    sync_file(file)
    sync_folder(file.parent)


def remove(folder: Path) -> None:
    """With what a killed one left in it, if there is one."""
    if folder.exists():
        shutil.rmtree(folder)
        sync_folder(folder.parent)
