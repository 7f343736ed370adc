"""A result's values as JSON knows them: what ``--json``, CSV and the screen have in common.

In: what the engine gives for one cell. Out: None, a truth value, a number, text, a list, or a
mapping with text keys. What JSON has no number for (not a number, infinite) is None, since a
reader would refuse the whole object (RFC 8259, section 6).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite

from telemetry.instants import format_instant, to_ms


def json_value(value: object) -> object:
    """The value; instants as RFC 3339 in UTC with ``Z``, other kinds as their text."""
    found: object = str(value)
    match value:
        case None | bool() | int():
            found = value
        case float():
            found = value if isfinite(value) else None
        case Decimal():
            found = int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            # An instant without a zone is UTC: the engine's own zone is.
            aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            found = format_instant(to_ms(aware.astimezone(UTC)))
        case bytes():
            found = value.hex()
        case Mapping():
            found = {str(json_value(key)): json_value(inner) for key, inner in value.items()}
        case list() | tuple():
            found = [json_value(inner) for inner in value]
        case _:
            pass
    return found


def text_value(value: object) -> str:
    """The same for one field of text; nothing for None, JSON for a list or a mapping."""
    found = json_value(value)
    if found is None:
        return ""
    if isinstance(found, list | dict):
        return json.dumps(found, ensure_ascii=False, allow_nan=False)
    return str(found)
