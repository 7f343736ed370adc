"""The one place that reads the wall clock."""

import time
from collections.abc import Callable

WallClock = Callable[[], int]


def wall_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def judging_clock(fixed_now_ms: int | None) -> WallClock:
    """The clock by which records are judged: the wall's, or one fixed instant."""
    return wall_ms if fixed_now_ms is None else lambda: fixed_now_ms
