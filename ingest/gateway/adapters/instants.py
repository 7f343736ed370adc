"""Instants as foreign formats write them. In: a text or a number. Out: ms UTC, or None: unknown.

A text without a zone says no instant.
"""

from datetime import datetime
from typing import Any, Final

from ingest.gateway.adapters.gathered import is_number
from telemetry.instants import to_ms

TEXT_CHARS_MAX: Final = 40


def of_text(text: Any) -> int | None:
    """RFC 3339, or ISO 8601 with a zone."""
    if not isinstance(text, str) or len(text) > TEXT_CHARS_MAX:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else _ms(found)


def of_epoch_ms(number: Any) -> int | None:
    """Milliseconds since 1970 UTC."""
    return int(number) if is_number(number) and 0 <= number < 10**15 else None


def of_epoch_s(number: Any) -> int | None:
    """Seconds since 1970 UTC, with a fraction."""
    return int(number * 1000) if is_number(number) and 0 <= number < 10**12 else None


def of_either(value: Any) -> int | None:
    """A text, or milliseconds."""
    return of_text(value) if isinstance(value, str) else of_epoch_ms(value)


def _ms(found: datetime) -> int | None:
    try:
        return to_ms(found)
    except (OverflowError, ValueError):
        return None
