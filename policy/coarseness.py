"""Which of two treatments tells more, and which of two periods is longer.

Where neither can be said to be the narrower, the answer is ``None``: a person has to decide.
"""

from enum import StrEnum

from policy.grants import Grant
from policy.operations import Bucket, Mesh, MeshH3, MeshJis, Operation, Round, ThinCount, ThinTime
from policy.position import as_coarse_as, mesh_in
from policy.terms import Period
from policy.words import Exact, Space
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS


class Than(StrEnum):
    """How the new compares with the old; ``LESS`` tells or keeps less."""

    LESS = "less"
    SAME = "same"
    MORE = "more"


_FIXED_MS = {"minutes": MINUTE_MS, "hours": HOUR_MS, "days": DAY_MS}
_MONTHS = {"months": 1, "years": 12}
_MONTH_DAYS_MAX = 31
_YEAR_DAYS_MAX = 366


def compare_periods(old: Period, new: Period) -> Than:
    """Longer is more. Months beside days: longer where it can be longer on some calendar."""
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
    """Finer is more. None where one part became finer and another coarser, or kinds differ."""
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
    return _together(
        _compare_thinning(old, new),
        _compare_values(old, new),
        _compare_space(mesh_in(old), mesh_in(new)),
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


def _compare_thinning(old: tuple[Operation, ...], new: tuple[Operation, ...]) -> Than | None:
    before = next((op for op in old if isinstance(op, ThinTime | ThinCount)), None)
    after = next((op for op in new if isinstance(op, ThinTime | ThinCount)), None)
    match before, after:
        case ThinTime(a), ThinTime(b):
            return _compare(b, a)
        case ThinCount(a), ThinCount(b):
            return _compare(b, a)
        case None, None:
            return Than.SAME
        case None, _:
            return Than.LESS
        case _, None:
            return Than.MORE
    return None


def _compare_values(old: tuple[Operation, ...], new: tuple[Operation, ...]) -> Than | None:
    before, after = _steps(old), _steps(new)
    if before == after:
        return Than.SAME
    widest = [max((op.step if isinstance(op, Round) else op.width for op in ops), default=0.0)
              for ops in (before, after)]  # fmt: skip
    # Equal widths on other boundaries (round beside bucket) tell something else.
    return None if widest[0] == widest[1] else _compare(widest[1], widest[0])


def _steps(operations: tuple[Operation, ...]) -> list[Round | Bucket]:
    return [op for op in operations if isinstance(op, Round | Bucket)]


def _compare_space(old: Mesh | None, new: Mesh | None) -> Than | None:
    if old == new:
        return Than.SAME
    if as_coarse_as(new, Exact() if old is None else old):
        return Than.LESS
    return Than.MORE if as_coarse_as(old, Exact() if new is None else new) else None


def _compare_named_space(old: Space | None, new: Space | None) -> Than | None:
    if old == new:
        return Than.SAME
    kinds = MeshJis | MeshH3 | Exact
    if not isinstance(old, kinds) or not isinstance(new, kinds):
        return None
    return _compare_space(*(None if isinstance(one, Exact) else one for one in (old, new)))
