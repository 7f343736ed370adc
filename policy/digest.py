"""A digest of the compiled tables: the same policy has the same one, wherever its lines stand."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from policy.bilingual import Bilingual


def digest(*tables: Any) -> str:
    """SHA-256 in hexadecimal over the canonical JSON of the tables, places left out."""
    canonical = json.dumps(plain(tables), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def plain(value: Any) -> Any:
    """A frozen table as JSON values; an object carries its class's name, a set is sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "where"}
        value = {"is": type(value).__name__, **shown}
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
