"""A digest of the compiled tables: the same policy has the same one, wherever its lines are."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import msgspec

from policy.vocabulary.bilingual import Bilingual

PART: Final = {"digest": "part"}
"""Metadata of a field whose own fields the digest takes as those of its owner."""
UNSEEN: Final = {"digest": "unseen"}
"""Metadata of a field that records an origin, and does not change what the plan means."""


def known_as(name: str) -> dict[str, str]:
    """Metadata of a field that the digest knows by another name."""
    return {"digest": "named", "name": name}


def digest(*tables: Any) -> str:
    """SHA-256 in hexadecimal over the canonical JSON of the tables, places left out."""
    canonical = json.dumps(plain(tables), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def plain(value: Any) -> Any:
    """A frozen table as JSON values; an object carries its class's name, a set is sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {"is": type(value).__name__, **_seen(value)}
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Bilingual):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, frozenset):
        return sorted(str(inner) for inner in value)
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    msg = f"a plan holds no {type(value).__name__}"
    raise TypeError(msg)


def _seen(table: Any) -> dict[str, Any]:
    """A table's fields by the names that the digest knows."""
    seen: dict[str, Any] = {}
    for one in fields(table):
        match one.metadata.get("digest"):
            case "part":
                seen |= _seen(getattr(table, one.name))
            case "unseen":
                pass
            case _ if one.name != "where":
                seen[one.metadata.get("name", one.name)] = getattr(table, one.name)
    return seen
