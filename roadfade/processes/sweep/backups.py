"""What a sweep does about backups: those that have ended go, the others are counted.

Only in the places that the settings name; without them it knows of none. What a killed drill left
in the state folder goes, too.
"""

from functools import partial

from roadfade import metrics
from roadfade.backup.drill_folder import remove_left
from roadfade.backup.kept import Places, backups, ended, expire, keep_ms_of, places_of, unfinished
from roadfade.backup.note import last_drill
from roadfade.copied_stores import drop_drilled
from roadfade.metrics import bear
from roadfade.refusal import Refusal
from roadfade.settings import Settings

STATES = ("kept", "ended")


def end_backups(settings: Settings, now_ms: int) -> list[str]:
    """Remove what has ended, then count what is there; the names that are gone. Blocks.

    Refusal while one is being made; OSError if a place cannot be read or written.
    """
    try:
        return _end_backups(settings, now_ms)
    finally:
        remove_left(settings.state_dir, partial(drop_drilled, settings))


def _end_backups(settings: Settings, now_ms: int) -> list[str]:
    places = places_of(settings)
    if places is None:
        return []
    keep_ms = keep_ms_of(settings)
    try:
        over = ended(places, keep_ms, now_ms)
        if not over and not unfinished(places):
            return []
        try:
            return expire(places, keep_ms, now_ms)
        except Refusal:
            if over:
                raise
            return []  # what is unfinished is at work
    finally:
        _count(settings, places, now_ms)


def _count(settings: Settings, places: Places, now_ms: int) -> None:
    found = backups(places)
    over = sum(one.ends_ms(keep_ms_of(settings)) <= now_ms for one in found)
    bear(metrics.BACKUPS, STATES)
    metrics.BACKUPS.labels("kept").set(len(found) - over)
    metrics.BACKUPS.labels("ended").set(over)
    metrics.BACKUP_NEWEST.set(max((one.made_ms for one in found), default=0) / 1000)
    note = last_drill(settings.state_dir)
    metrics.DRILL.set(note.at_ms / 1000 if note is not None and note.holds else 0)
