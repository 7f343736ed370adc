"""Maps: which signal of a CAN database is which path of the catalogue, and in what unit.

In: YAML that people write, and the catalogue. Out: a frozen map, or ``Refused`` naming
the entry. Conversions are in the map, never in code.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ingest.refused import Refused
from telemetry.signals import Catalogue, Signal

ENTRIES_MAX: Final = 2_000
MAP_BYTES_MAX: Final = 512 * 1024


class Unfit(StrEnum):
    """Why a mapped value gave no reading."""

    INVALID = "invalid"
    """The message's own valid flag is not set."""
    OUT_OF_RANGE = "out_of_range"
    """Outside the map's or the catalogue's range, or a code the map does not name."""


class Entry(BaseModel):
    """One signal of the map: value = raw * factor + offset, or ``values[raw]`` for words."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    path: str
    unit: str
    factor: float = 1.0
    offset: float = 0.0
    decimals: int | None = None
    """Round to this many; a decoder's 56.07042799999999 is 56.070428."""
    min: float | None = None
    max: float | None = None
    """Narrower than the catalogue's range, after conversion."""
    valid: str | None = None
    """A signal of the same message that must be 1 for the value to count."""
    values: dict[int, str] | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    map: str
    title: str = ""
    signals: dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An entry with its catalogue row."""

    entry: Entry
    signal: Signal

    def value(self, raw: float, message: Mapping[str, float]) -> float | str | bool | Unfit:
        """The reading's value in the catalogue's unit, or why there is none."""
        entry, signal = self.entry, self.signal
        if entry.valid is not None and message.get(entry.valid) != 1:
            return Unfit.INVALID
        if entry.values is not None:
            return entry.values.get(int(raw), Unfit.OUT_OF_RANGE)
        if signal.datatype == "boolean":
            return bool(raw) if raw in (0, 1) else Unfit.OUT_OF_RANGE
        value = raw * entry.factor + entry.offset
        if not math.isfinite(value):
            return Unfit.OUT_OF_RANGE
        if signal.is_integer:
            value = round(value)
        elif entry.decimals is not None:
            value = round(float(value), entry.decimals)
        low, high = signal.min, signal.max
        inside = (low is None or value >= low) and (high is None or value <= high)
        narrower = (entry.min is None or value >= entry.min) and (
            entry.max is None or value <= entry.max
        )
        return value if inside and narrower else Unfit.OUT_OF_RANGE


@dataclass(frozen=True, slots=True)
class SignalMap:
    """All entries, by (message, signal)."""

    name: str
    by_source: Mapping[tuple[str, str], Mapped]


def parse_map(text: str, catalogue: Catalogue, name: str = "map") -> SignalMap:
    """Read a map; ``Refused`` with the entry's name and what to fix."""
    if len(text) > MAP_BYTES_MAX:
        msg = f"{name} is longer than {MAP_BYTES_MAX} characters: split it."
        raise Refused(msg)
    try:
        document = _Document.model_validate(YAML(typ="safe", pure=True).load(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        what = (getattr(error, "problem", None) or "not YAML").split("\n")[0]
        msg = f"{name}{where}: {what}"
        raise Refused(msg) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{name}: {place or 'the document'}: {first['msg']}"
        raise Refused(msg) from error
    if len(document.signals) > ENTRIES_MAX:
        msg = f"{name} has more than {ENTRIES_MAX} entries: split it."
        raise Refused(msg)
    by_source = {}
    for source, entry in document.signals.items():
        message, dot, signal = source.partition(".")
        problem = _problem(entry, catalogue) if dot else "write it as message.signal"
        if problem:
            msg = f"{name}: {source}: {problem}"
            raise Refused(msg)
        by_source[message, signal] = Mapped(entry, catalogue[entry.path])
    return SignalMap(document.map, by_source)


def load_map(path: Path, catalogue: Catalogue) -> SignalMap:
    """Read a map file; ``Refused`` as ``parse_map``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        msg = f"{path.name} cannot be read: provide a UTF-8 text file."
        raise Refused(msg) from error
    return parse_map(text, catalogue, path.name)


def shipped_maps() -> dict[str, Path]:
    """The maps that come with roadfade, by name."""
    folder = Path(__file__).parent / "maps"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _problem(entry: Entry, catalogue: Catalogue) -> str | None:
    if entry.path not in catalogue:
        return f"{entry.path} is not in the catalogue; `roadfade signals` lists what is."
    signal = catalogue[entry.path]
    if signal.derived:
        return f"{entry.path} is made by roadfade and never accepted."
    if entry.unit != signal.unit:
        return f"the unit of {entry.path} is {signal.unit or 'none'}: convert with factor, offset."
    if signal.datatype == "string":
        strangers = sorted(set((entry.values or {}).values()) - set(signal.allowed))
        if entry.values is None or strangers:
            return f"values must map codes to some of: {', '.join(signal.allowed)}."
    elif entry.values is not None:
        return f"{entry.path} is a {signal.datatype}: values name words only."
    return None
