"""Did you mean: the known word nearest to an unknown one."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, alike: float = 0.6) -> str | None:
    """The known word most like this one; None if none is. ``alike`` from 0 to 1 (the same)."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=alike)), None)


def write_nearest(word: str, known: Iterable[str], otherwise: str, *, alike: float = 0.6) -> str:
    """The remedy for an unknown word: to write the nearest known one, or something else."""
    found = nearest(word, known, alike=alike)
    return f"write {otherwise}" if found is None else f"write `{found}`, or {otherwise}"
