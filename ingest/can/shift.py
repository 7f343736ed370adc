"""By how much a replay moves recorded times, which may be years old.

In: the parts of a capture's clock and now. Out: microseconds to add to every time of a part, or
None for a part that is left out.
"""

from collections.abc import Sequence
from typing import Final

from ingest.logs.timeline import Part
from ingest.refused import Refused
from telemetry.instants import DAY_MS

_PLAUSIBLE_FROM_MS: Final = 978_307_200_000
"""2001-01-01: an earlier stamp counts from the start of a device or of a log.

Clocks that have lost their power begin in 1970, 1980 or 2000.
"""


def shifts_us(parts: Sequence[Part], now_ms: int, *, keep_time: bool) -> tuple[int | None, ...]:
    """0 for every part if times are kept, else what moves the last frame to now.

    The clock was set between two parts, so that nobody knows how long the gap was: each part is
    moved to end as the next begins. Kept times must be plausible (2001 to a day ahead): a part
    that is not is left out, and ``Refused`` if none is.
    """
    if keep_time:
        kept = [0 if _plausible(part, now_ms) else None for part in parts]
        if not any(shift is not None for shift in kept):
            msg = (
                "The log's own times are not plausible (before 2001 or ahead of now): "
                "leave out --keep-time, and its last frame is moved to now."
            )
            raise Refused(msg)
        return tuple(kept)
    moved: list[int] = []
    ends_us = now_ms * 1000
    for part in reversed(parts):
        moved.append(ends_us - part.last_us)
        ends_us = part.first_us + moved[-1]
    return tuple(reversed(moved))


def _plausible(part: Part, now_ms: int) -> bool:
    return part.first_us // 1000 >= _PLAUSIBLE_FROM_MS and part.last_us // 1000 <= now_ms + DAY_MS
