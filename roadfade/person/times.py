"""Instants as people of the policy's zone read them, on the pages that a person gets."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from telemetry.instants import to_datetime


class Times:
    """Instants as people of the document's zone read them."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.name = zone.key
        self._zone = zone

    def told(self, at_ms: int | None) -> str:
        """``2026-11-20 17:00``; ``-`` if there is none."""
        return "-" if at_ms is None else f"{self._local(at_ms):%Y-%m-%d %H:%M}"

    def day(self, at_ms: int) -> date:
        """The day that it falls on there."""
        return self._local(at_ms).date()

    def _local(self, at_ms: int) -> datetime:
        return to_datetime(at_ms).astimezone(self._zone)
