"""What people type: durations, zones and roles; a usage error where it is none of them."""

from typing import Final, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from telemetry.control import Role

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


def duration_s(text: str) -> float:
    """Seconds of ``90``, ``120s``, ``5m`` or ``1h``."""
    number, unit = (text[:-1], _SECONDS[text[-1]]) if text[-1:] in _SECONDS else (text, 1)
    try:
        found = float(number) * unit
    except ValueError:
        found = 0
    if not 0 < found < float("inf"):
        msg = "a duration is written as 90s, 5m or 1h"
        raise typer.BadParameter(msg)
    return found


def zone(text: str) -> ZoneInfo:
    """A zone by its IANA name."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        msg = "a zone is written as Asia/Tokyo or UTC"
        raise typer.BadParameter(msg) from None


def role(text: str) -> Role:
    """What a person is to a vehicle."""
    if text in get_args(Role):
        return cast("Role", text)
    msg = f"a role is one of: {', '.join(get_args(Role))}"
    raise typer.BadParameter(msg)
