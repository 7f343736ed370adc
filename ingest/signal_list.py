"""The catalogue for people who write gateways: search it, print it.

In: a catalogue and words. Out: rows and lines; nothing is printed here.
"""

import json
from collections.abc import Sequence

from telemetry.signals import Catalogue, Signal


def find(catalogue: Catalogue, query: str = "") -> tuple[Signal, ...]:
    """Signals that hold every word of the query in path, title, unit, kind or OBD command.

    Words match anywhere, in any case; no word matches all. Ordered by path.
    """
    words = query.lower().split()
    rows = sorted(catalogue, key=lambda signal: signal.path)
    return tuple(row for row in rows if all(word in _text(row) for word in words))


def span(signal: Signal) -> str:
    """What values are accepted, in words."""
    if signal.derived:
        return "never from a device"
    if signal.allowed:
        return " | ".join(signal.allowed)
    if not signal.is_number:
        return "true | false" if signal.datatype == "boolean" else "the envelope's dtc"
    return f"{signal.min:g} to {signal.max:g}"


def to_json(signals: Sequence[Signal], version: str) -> str:
    """One JSON object: the catalogue's version and the rows, for programs."""
    rows = [
        {
            "path": s.path,
            "unit": s.unit,
            "datatype": s.datatype,
            "kind": s.kind.value,
            "min": s.min,
            "max": s.max,
            "allowed": list(s.allowed),
            "obd": s.obd,
            "derived": s.derived,
            "title": s.title,
        }
        for s in signals
    ]
    return json.dumps({"version": version, "signals": rows}, ensure_ascii=False, indent=1)


def _text(signal: Signal) -> str:
    parts = (signal.path, signal.title, signal.unit, signal.kind.value, signal.obd or "")
    return " ".join(parts).lower()
