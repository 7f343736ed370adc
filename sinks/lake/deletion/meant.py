"""A selection as a lake asks it: in which buckets to look, and a condition on a part's rows.

It means what ``Selection.means`` does. Rows of format 1 say neither their lane nor what they rest
on: whatever is named, they are meant.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from sinks.lake.format import LakeFormatError, stored_format
from sinks.lake.layout import bucket_name, bucket_of, read_part
from sinks.port.records import INSTANT_MS_MAX
from sinks.port.selection import Selection
from telemetry.identity import Pseudonym

# A NULL in what is asked never saves a row of somebody who is named.
_MEANT: Final = """
(pseudonym IN (SELECT unnest($pseudonyms::VARCHAR[])) AND coalesce(
  ($rests OR len($consents::VARCHAR[]) = 0
    OR (consent IS NOT NULL AND consent IN (SELECT unnest($consents::VARCHAR[]))))
  AND (len($lanes::VARCHAR[]) = 0 OR lane IS NULL OR list_contains($lanes::VARCHAR[], lane))
  AND ($from_ms::BIGINT IS NULL OR epoch_ms(t) + coalesce(
        ($floors::BIGINT[])[list_position($floored::VARCHAR[], lane)], $floor::BIGINT)
      > $from_ms::BIGINT)
  AND ($to_ms::BIGINT IS NULL OR epoch_ms(t) < $to_ms::BIGINT),
true))
"""
MEANT: Final = f"coalesce({_MEANT}, false)"
"""Whether a row is meant, with the parameters of ``asked``."""


def asked(selection: Selection, path: Path) -> dict[str, Any]:
    """The parameters of ``MEANT`` for the rows of one part, wherever it lies."""
    return {
        "pseudonyms": [str(one) for one in selection.pseudonyms],
        "rests": _is_of_format_1(path),
        "consents": list(selection.consents),
        "lanes": list(selection.lanes),
        "from_ms": selection.from_ms,
        "to_ms": selection.to_ms,
        "floored": list(selection.floors_ms),
        "floors": [_bounded(one) for one in selection.floors_ms.values()],
        "floor": _bounded(selection.floor_ms),
    }


def buckets_of(root: Path, pseudonyms: Collection[Pseudonym]) -> frozenset[str] | None:
    """The names of the buckets to look in; None: in every one, if nothing says how many there are.

    What holds every bucket is among them; so are those of every number of buckets there ever was.
    """
    try:
        counts = stored_format(root).all_buckets
    except LakeFormatError:
        return None
    found = {bucket_of(pseudonym, count) for pseudonym in pseudonyms for count in counts}
    return frozenset(map(bucket_name, (*found, None)))


def _bounded(floor_ms: int) -> int:
    """What is longer than time itself is as long as that: the engine counts to 64 bits."""
    return min(floor_ms, INSTANT_MS_MAX)


def _is_of_format_1(path: Path) -> bool:
    """Whether a part was written by it; one that is restated keeps its name's beginning."""
    part = read_part(path.name)
    return part is not None and part.number == 0
