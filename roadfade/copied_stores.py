"""Copies of what an installation keeps: made for a backup, and put back beside its place.

In: settings and folders. Out: copies, or a store that is on its way back. ``stores`` has the one in
its place.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from roadfade.stores import NO_DRIVER, HeldStore, database_of, stored_postgres
from sinks.lake.copying import CopiedLake, copy_lake
from sinks.lake.format import LakeFormatError
from sinks.lake.layout import RESERVE_FILE
from sinks.lake.rebucketing import Tell
from sinks.lake.stored import StoredLake
from sinks.port.sink import StoreTakenError, StoreUnusableError

if TYPE_CHECKING:
    from sinks.postgres.copying import CopiedPostgres


class StoreBeside(Protocol):
    """A store that is put back beside its place, and takes it last."""

    def require_room(self) -> None:
        """StoreUnusableError if its place holds something."""
        ...

    def put_back(self, folder: Path, token: str, tell: Tell) -> int:
        """Make it of a copy; how many partitions hold what was copied, which is all of them."""
        ...

    def store(self) -> HeldStore:
        """It, beside its place."""
        ...

    def take_place(self, token: str) -> None:
        """Put it in its place, unless that was done."""
        ...

    def drop(self) -> None:
        """Remove it from beside its place."""
        ...


def copy_of_lake(settings: Settings, target: Path, now_ms: int, tell: Tell) -> CopiedLake | None:
    """Copy the lake as it is at one moment; None if there is none to copy. Blocks.

    Refusal if others rewrite it all the time, NotReady if no sink would open it, StoreFullError
    without room.
    """
    if settings.store != "lake" or not settings.lake_dir.exists():
        return None
    try:
        return copy_lake(settings.lake_dir, target, settings.lake_duplicates_window, now_ms, tell)
    except LakeFormatError as error:
        raise NotReady(str(error)) from None
    except StoreTakenError as error:
        raise Refusal(str(error)) from None


def copy_of_postgres(
    settings: Settings, target: Path, now_ms: int, tell: Tell
) -> "CopiedPostgres | None":
    """Copy the store in PostgreSQL as it is at one moment; None if there is none. Blocks.

    Refusal if others rewrite it all the time, or it cannot be reached or is of another version;
    StoreFullError without room.
    """
    if settings.store != "postgres":
        return None
    database = database_of(settings)
    from sinks.postgres.copying import copy_postgres  # noqa: PLC0415  # an extra

    with refused_if_unusable():
        if not stored_postgres(settings).exists():
            return None
        return copy_postgres(database, target, now_ms, tell)


def bytes_to_copy(settings: Settings) -> int:
    """About how long the files of a copy of what is kept are. Blocks. Refusal as above."""
    if settings.store == "lake":
        lake = settings.lake_dir
        found = (Path(folder) / name for folder, _, names in os.walk(lake) for name in names)
        return sum(_length(path) for path in found if path != lake / RESERVE_FILE)  # not copied
    with refused_if_unusable():
        store = stored_postgres(settings)
        return store.size() if store.exists() else 0


def postgres_beside(settings: Settings, *, drill: bool = False) -> StoreBeside:
    """A store in PostgreSQL on its way back; reaches nothing yet.

    Refusal if the settings name none, NotReady without its driver.
    """
    if settings.store != "postgres":
        msg = (
            "these rows are of a store in PostgreSQL, and the settings say that rows lie in a lake:"
            " set ROADFADE_STORE and ROADFADE_POSTGRES_DSN"
        )
        raise Refusal(msg)
    database = database_of(settings)
    from sinks.postgres.restoring import DRILL, RESTORING, RestoredPostgres  # noqa: PLC0415  # an extra

    return RestoredPostgres(database, DRILL if drill else RESTORING)


def drop_drilled(settings: Settings) -> None:
    """Remove what a drill put into PostgreSQL, if anything. OSError if that cannot be reached."""
    postgres_beside(settings, drill=True).drop()


def postgres_version() -> int:
    """The version of a store's tables in PostgreSQL. NotReady without its driver."""
    try:
        from sinks.postgres.migrations import VERSION  # noqa: PLC0415  # an extra
    except ImportError:
        raise NotReady(NO_DRIVER) from None
    return VERSION


@contextmanager
def refused_if_unusable() -> Iterator[None]:
    """Refusal for a store that others hold, or that cannot be used or reached."""
    try:
        yield
    except (StoreTakenError, StoreUnusableError) as error:
        raise Refusal(str(error)) from None


def lake_in(folder: Path, compression: str) -> StoredLake:
    """A lake that lies elsewhere: one that is being restored."""
    return StoredLake(folder, compression)


def _length(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:  # swept meanwhile
        return 0
