"""What people type: durations, instants, zones and roles, and options that many commands have.

What cannot be read is a usage error that names its option.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, cast, get_args
from zoneinfo import ZoneInfo

import typer

from policy.vocabulary import zones
from policy.vocabulary.words import WordError
from telemetry.instants import parse_instant
from telemetry.wire.control import Role

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
        return zones.zone(text)
    except WordError as error:
        msg = f"{error}: {error.remedy}"
        raise typer.BadParameter(msg) from None


def role(text: str) -> Role:
    """What a person is to a vehicle."""
    if text in get_args(Role):
        return cast("Role", text)
    msg = f"a role is one of: {', '.join(get_args(Role))}"
    raise typer.BadParameter(msg)


def instant(text: str) -> int:
    """An instant in milliseconds, written as RFC 3339 has it."""
    try:
        return parse_instant(text)
    except ValueError:
        msg = "an instant is written with a zone, as 2026-11-23T09:00:00Z"
        raise typer.BadParameter(msg) from None


class Lang(StrEnum):
    """Languages of pages."""

    EN = "en"
    JA = "ja"


KeepTime = Annotated[
    bool, typer.Option("--keep-time", help="Keep recorded times; else the last frame is now.")
]
ZoneName = Annotated[
    str,
    typer.Option("--zone", metavar="ZONE", help="Of a log's times without one, as Asia/Tokyo."),
]
Bus = Annotated[
    str | None, typer.Option(help="The bus of the map, as the log names it: can0, or 1.")
]
PolicyPath = Annotated[
    Path | None,
    # Whoever reads the folder says what cannot be read, and the remedy.
    typer.Option("--policy", readable=False, help="A document's folder; default: the shipped one."),
]
_WHAT: Final = "What the person is to the vehicle, as minor"
AsRole = Annotated[Role, typer.Option("--role", parser=role, metavar="ROLE", help=f"{_WHAT}.")]
AsAnyRole = Annotated[
    Role | None,
    typer.Option(
        "--role",
        parser=role,
        metavar="ROLE",
        help=f"{_WHAT}; without it: a role that no forbid names.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
