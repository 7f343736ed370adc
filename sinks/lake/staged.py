"""Parts that are written and wait for their place: ``_staged/``, one flat folder.

A name there says the path that the part is to have, so that a sweep finds what is due by the name
alone. A part counts from the moment a checkpoint names it, wherever it lies by then.
"""

from pathlib import Path
from typing import Final, NamedTuple

from sinks.lake.layout import (
    STAGED,
    Partition,
    is_bucket,
    is_file,
    is_safe,
    names,
    read_expiry,
    read_part,
)

_BETWEEN: Final = "~"
"""Parts a staged name into what will be its path; no name of ours holds it."""
_LEVELS: Final = 4


class StagedPart(NamedTuple):
    """A part in ``_staged``."""

    path: Path
    place: Partition
    """The partition that it belongs to."""
    final: Path
    """The path that it is to have."""


def staged_path(root: Path, final: Path) -> Path:
    """Where a part waits until it has its place."""
    output, expires, bucket = (final.parents[n].name.partition("=")[2] for n in (2, 1, 0))
    return root / STAGED / _BETWEEN.join((output, expires, bucket, final.name))


def staged(root: Path) -> list[StagedPart]:
    """The parts that wait, by name."""
    found = (read_staged(root, name) for name in names(root / STAGED, "", is_file))
    return [one for one in found if one is not None]


def read_staged(root: Path, name: str) -> StagedPart | None:
    """The meaning of a name in ``_staged``; None if it is none of ours."""
    levels = name.split(_BETWEEN)
    if len(levels) != _LEVELS:
        return None
    output, expires, bucket, part = levels
    expires_ms = read_expiry(f"expires={expires}")
    ours = is_safe(output) and is_bucket(f"bucket={bucket}") and read_part(part) is not None
    if expires_ms is None or not ours:
        return None
    place = Partition(output, expires_ms, root / f"purpose={output}" / f"expires={expires}")
    return StagedPart(root / STAGED / name, place, place.path / f"bucket={bucket}" / part)
