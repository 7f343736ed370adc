"""Coarse times need a release window, or a declared reason to go without one.

Arrival dates a record to the second, whatever its own time says (design §3).
"""

from typing import Final

from policy.document import Sheet
from policy.page import Purpose
from policy.plan import Lane
from policy.problems import Findings
from policy.words import release_ms, say_duration
from telemetry.instants import MINUTE_MS

FLOOR_MS_UNSEEN_BY_ARRIVAL: Final = MINUTE_MS
"""Live delivery dates a record to seconds; a floor above this promises less than that."""


def check_release(
    page: Sheet[Purpose], output_id: str, lanes: tuple[Lane, ...], findings: Findings
) -> None:
    """Refuse a floor longer than its window; say that windows are not carried out yet."""
    floor_ms = max((lane.time_floor_ms for lane in lanes), default=0)
    if floor_ms <= FLOOR_MS_UNSEEN_BY_ARRIVAL:
        return
    delivery, where = page.content.delivery, page.where("delivery")
    window_ms = release_ms(delivery.release)
    longest = say_duration(floor_ms)
    if window_ms is None and delivery.because is None:
        message = f"{output_id} promises times no finer than {longest}, and is released live"
        remedy = f"write `release: {longest}`, or say why it must be live: `because: …`"
        findings.error(where, message, delivery.release, remedy)
    elif window_ms is not None and floor_ms > window_ms:
        message = f"{output_id} promises times no finer than {longest}, longer than its window"
        remedy = f"write `release: {longest}`, or `release: live` with `because: …`"
        findings.error(where, message, delivery.release, remedy)
    else:
        message = f"{output_id} is released live, so its arrival dates records more finely than"
        message += f" the floor of {longest}"
        remedy = "release windows are not carried out yet; keep who reads the topic few"
        findings.warn(where, message, delivery.release, remedy)
