"""By how much a replay moves recorded times, which may be years old.

In: the capture's last instant and now. Out: microseconds to add to every time.
"""

from typing import Final

from ingest.refused import Refused
from telemetry.instants import DAY_MS

_PLAUSIBLE_FROM_MS: Final = 946_684_800_000
"""2000-01-01: an earlier stamp counts from the start of a device or of a log."""


def shift_us(last_us: int, now_ms: int, *, keep_time: bool) -> int:
    """0 if times are kept, else the shift that moves the last frame to now.

    Kept times must be plausible (2000 to a day ahead), else ``Refused``: logs of year
    1970 or 2047 are common, and their readings would be rejected or kept too long.
    """
    if not keep_time:
        return now_ms * 1000 - last_us
    last_ms = last_us // 1000
    if not _PLAUSIBLE_FROM_MS <= last_ms <= now_ms + DAY_MS:
        msg = (
            "The log's own times are not plausible (before 2000 or ahead of now): do not keep them."
        )
        raise Refused(msg)
    return 0
