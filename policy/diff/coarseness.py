"""Which of two treatments reveals more, and which of two periods is longer.

If neither is provably the narrower, the answer is ``None``: a person has to decide.
"""

from enum import StrEnum
from typing import assert_never

from policy.diff.grants import Grant
from policy.vocabulary.operations import (
    Mesh,
    Operation,
    Parts,
    Thin,
    ThinCount,
    ThinTime,
    Unsupported,
    parts_of,
    widest,
)
from policy.vocabulary.position import as_coarse_as, mesh_of
from policy.vocabulary.terms import Period
from policy.vocabulary.words import Exact, Space
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS


class Than(StrEnum):
    """How the new compares with the old; ``LESS`` reveals or keeps less."""

    LESS = "less"
    SAME = "same"
    MORE = "more"


_FIXED_MS = {"minutes": MINUTE_MS, "hours": HOUR_MS, "days": DAY_MS}
_MONTHS = {"months": 1, "years": 12}
_MONTH_DAYS_MAX = 31
_YEAR_DAYS_MAX = 366


def compare_periods(old: Period, new: Period) -> Than:
    """Longer is more. Months beside days: longer if it can be longer on some calendar."""
    if old.unit in _FIXED_MS and new.unit in _FIXED_MS:
        return _compare(old.count * _FIXED_MS[old.unit], new.count * _FIXED_MS[new.unit])
    if old.unit in _MONTHS and new.unit in _MONTHS:
        return _compare(old.count * _MONTHS[old.unit], new.count * _MONTHS[new.unit])
    return Than.MORE if _longest_ms(new) > _shortest_ms(old) else Than.LESS


def _longest_ms(period: Period) -> int:
    if period.unit in _FIXED_MS:
        return period.count * _FIXED_MS[period.unit]
    years, months = divmod(period.count * _MONTHS[period.unit], 12)
    return (years * _YEAR_DAYS_MAX + months * _MONTH_DAYS_MAX) * DAY_MS


def _shortest_ms(period: Period) -> int:
    if period.unit in _FIXED_MS:
        return period.count * _FIXED_MS[period.unit]
    years, months = divmod(period.count * _MONTHS[period.unit], 12)
    return (years * 365 + months * 28) * DAY_MS


def compare_treatments(old: Grant, new: Grant) -> Than | None:
    """Finer is more. None if one part became finer and another coarser, or if kinds differ."""
    return _together(
        _compare(new.time_floor_ms, old.time_floor_ms),
        compare_operations(old.operations, new.operations),
        _compare_named_space(old.space, new.space),
        Than.SAME if old.worded == new.worded else None,
        Than.SAME if old.delivery == new.delivery else None,
        _compare(new.at_least or 0, old.at_least or 0),
    )


def compare_operations(old: tuple[Operation, ...], new: tuple[Operation, ...]) -> Than | None:
    """The same of what is done to values, readings and places, whatever the times."""
    before, after = parts_of(old), parts_of(new)
    if before.withholding or after.withholding:
        return _compare(not before.withholding, not after.withholding)
    return _together(
        _compare_thinning(before.thin, after.thin),
        _compare_values(before, after),
        _compare_meshes(before.meshes, after.meshes),
    )


def _together(*parts: Than | None) -> Than | None:
    found = set(parts) - {Than.SAME}
    if len(found) > 1:
        return None
    return found.pop() if found else Than.SAME


def _compare(old: float, new: float) -> Than:
    if old == new:
        return Than.SAME
    return Than.MORE if new > old else Than.LESS


def _compare_thinning(old: tuple[Thin, ...], new: tuple[Thin, ...]) -> Than | None:
    if old == new:
        return Than.SAME
    if not old or not new:
        return Than.LESS if new else Than.MORE
    before, after = old[0], new[0]
    if len(old) > 1 or len(new) > 1:
        return None
    match before:
        case ThinTime(every_ms):
            return _compare(after.every_ms, every_ms) if isinstance(after, ThinTime) else None
        case ThinCount(one_in):
            return _compare(after.one_in, one_in) if isinstance(after, ThinCount) else None
        case _:
            assert_never(before)


def _compare_values(old: Parts, new: Parts) -> Than | None:
    if old.steps == new.steps:
        return Than.SAME
    before, after = widest(old.steps), widest(new.steps)
    # Equal widths on other boundaries (round beside bucket) reveal something else.
    return None if before == after else _compare(after, before)


def _compare_meshes(old: tuple[Mesh, ...], new: tuple[Mesh, ...]) -> Than | None:
    if len(old) > 1 or len(new) > 1:
        return Than.SAME if old == new else None
    return _compare_space(old[0] if old else Exact(), new[0] if new else Exact())


def _compare_space(old: Space, new: Space) -> Than | None:
    """None also if one of them is not carried out, so that its effect is unknown."""
    if old == new:
        return Than.SAME
    if isinstance(old, Unsupported) or isinstance(new, Unsupported):
        return None
    if as_coarse_as(mesh_of(new), old):
        return Than.LESS
    return Than.MORE if as_coarse_as(mesh_of(old), new) else None


def _compare_named_space(old: Space | None, new: Space | None) -> Than | None:
    if old is None or new is None:
        return Than.SAME if old == new else None
    return _compare_space(old, new)
