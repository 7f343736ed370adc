"""A topic says what form its messages have. It may name the device, and then only its own.

In: topic, the certificate's device. Out: the front desk's name of the form, or why not.
"""

import re
from typing import Final, NamedTuple

from moat.lib.mqtt import ReasonCode

from ingest.gateway.formats import ENVELOPE_FORMAT
from telemetry.identity import DeviceId

VERSION: Final = "v1"
_FORMAT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)


class Heading(NamedTuple):
    """What a topic announces: a form, unless it is refused."""

    format_: str
    refused: ReasonCode | None = None


_UNKNOWN: Final = Heading("", ReasonCode.TOPIC_NAME_INVALID)
_FOREIGN: Final = Heading("", ReasonCode.NOT_AUTHORIZED)


def heading(topic: str, device: DeviceId) -> Heading:
    """Read ``v1/envelopes`` or ``v1/formats/NAME``; the device's id may stand after ``v1``."""
    version, *rest = topic.split("/")
    if version != VERSION:
        return _UNKNOWN
    if (form := _form(rest)) is not None:
        return Heading(form)
    if len(rest) < 2 or (form := _form(rest[1:])) is None:  # noqa: PLR2004  # device, then form
        return _UNKNOWN
    return Heading(form) if rest[0] == device else _FOREIGN


def _form(levels: list[str]) -> str | None:
    match levels:
        case ["envelopes"]:
            return ENVELOPE_FORMAT
        case ["formats", name] if _FORMAT.fullmatch(name):
            return name
        case _:
            return None
