"""A selection as PostgreSQL asks it of rows: one condition, and its parameters.

It means what ``Selection.means`` does. The condition on pseudonyms stands apart and first, so that
only the buckets of those who are named are read.
"""

from typing import Final

from psycopg import sql

from sinks.port.selection import Selection

MEANT: Final = sql.SQL(
    """(pseudonym = ANY(%(pseudonyms)s::text[]) AND (
      (cardinality(%(consents)s::text[]) = 0
        OR (consent IS NOT NULL AND consent = ANY(%(consents)s::text[])))
      AND (cardinality(%(lanes)s::text[]) = 0 OR lane IS NULL OR lane = ANY(%(lanes)s::text[]))
      AND (%(from_ms)s::bigint IS NULL OR t_ms + coalesce(
            (%(floors)s::bigint[])[array_position(%(floored)s::text[], lane)], %(floor)s::bigint)
          > %(from_ms)s::bigint)
      AND (%(to_ms)s::bigint IS NULL OR t_ms < %(to_ms)s::bigint)
    ) IS TRUE)"""
)
"""Whether a row is meant, never NULL; with the parameters of ``asked``."""


def asked(selection: Selection) -> dict[str, object]:
    """The parameters of ``MEANT``."""
    return {
        "pseudonyms": _asked(selection.pseudonyms),
        "consents": _asked(selection.consents),
        "lanes": _asked(selection.lanes),
        "from_ms": selection.from_ms,
        "to_ms": selection.to_ms,
        "floored": [_sayable(lane) for lane in selection.floors_ms],
        "floors": list(selection.floors_ms.values()),
        "floor": selection.floor_ms,
    }


def _asked(names: frozenset[str]) -> list[str]:
    return sorted(_sayable(name) for name in names)


def _sayable(name: str) -> str:
    """The name; one with a NUL, which no row can have, as one that no office gives."""
    return name.replace("\0", "\ufffd\ufffd")
