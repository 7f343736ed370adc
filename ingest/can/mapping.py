"""Maps: which signal of a CAN database is which path of the catalogue, and in what unit.

In: YAML that people write, and the catalogue. Out: a frozen map, or ``Refused`` naming
the entry. Conversions are in the map, never in code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.range import within
from ingest.refused import Refused
from policy.language.placed_yaml import UnreadableYaml, load_placed
from telemetry.signals import Catalogue, Signal

ENTRIES_MAX: Final = 2_000
MAP_BYTES_MAX: Final = 512 * 1024


class Unfit(StrEnum):
    """Why a mapped value gave no reading."""

    INVALID = "invalid"
    """The message's own valid flag is not set."""
    NOT_AVAILABLE = "not_available"
    """The code says that there is no value: not available, error or reserved."""
    OUT_OF_RANGE = "out_of_range"
    """Outside the range of the database, the map or the catalogue, or a code without a word."""
    CUT_OFF = "cut_off"
    """The frame is shorter than its message, and the signal lies past the bytes that came."""


class Entry(BaseModel):
    """One signal of the map: value = decoded * factor + offset, or ``values[decoded]`` for words.

    Every key applies to the path's datatype or is refused; none is passed over.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    path: str
    unit: str
    factor: float = 1.0
    offset: float = 0.0
    decimals: int | None = Field(default=None, ge=-9, le=15)
    """Round to this many; a decoder's 56.07042799999999 is 56.070428."""
    min: float | None = None
    max: float | None = None
    """Narrower than the catalogue's range, after conversion and before rounding."""
    valid: str | None = None
    """A signal of the same message that must be 1 for the value to count."""
    invalid: list[int | Annotated[dict[str, int], Field(min_length=1)]] = []
    """Codes (before the database's factor) that say that there is no value; or codes of
    signals of the message that say so together."""
    valid_codes: list[int] = []
    """Codes that are values, whatever the database calls them and J1939-71 says of them."""
    bus: str | int | None = None
    """The bus, as the log names it, on which the message means this."""
    values: dict[int, str] | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    map: str
    title: str = ""
    bus: str | int | None = None
    """Of every entry that names none."""
    signals: dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An entry with its catalogue row."""

    entry: Entry
    signal: Signal

    def value(self, decoded: float) -> float | str | bool | Unfit:
        """The reading's value in the catalogue's unit, or why there is none."""
        entry, signal = self.entry, self.signal
        if entry.values is not None:
            whole = float(decoded).is_integer()
            return (
                entry.values.get(int(decoded), Unfit.OUT_OF_RANGE) if whole else Unfit.OUT_OF_RANGE
            )
        inside = within(decoded * entry.factor + entry.offset, entry.min, entry.max)
        if signal.datatype == "boolean":
            return bool(inside) if inside in (0, 1) else Unfit.OUT_OF_RANGE
        if inside is not None:
            inside = within(inside, signal.min, signal.max)
        if inside is None:
            return Unfit.OUT_OF_RANGE
        if signal.is_integer:
            return round(round(inside, min(entry.decimals or 0, 0)))
        return inside if entry.decimals is None else round(float(inside), entry.decimals)


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
    tree = _tree(text, name)
    try:
        document = _Document.model_validate(tree)
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
        if entry.bus is None and document.bus is not None:
            entry = entry.model_copy(update={"bus": document.bus})  # noqa: PLW2901  # the entry with its default
        by_source[message, signal] = Mapped(entry, catalogue[entry.path])
    return SignalMap(document.map, by_source)


def _tree(text: str, name: str) -> Any:
    try:
        return load_placed(text, "safe")
    except UnreadableYaml as error:
        remedy = "remove one of the two lines" if error.twice else "put texts into quotes"
        msg = f"{name}:{error}; {remedy}."
        raise Refused(msg) from error


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
    if entry.factor == 0:
        return "a factor of 0 makes every value the same: give another."
    if entry.min is not None and entry.max is not None and entry.min > entry.max:
        return "min is above max, so no value could pass: exchange them."
    return _unfit_key(entry, signal) or _wrong_words(entry, signal)


def _unfit_key(entry: Entry, signal: Signal) -> str | None:
    """A key that could not apply to the datatype; passed over it would promise what is not done."""
    given = entry.model_fields_set
    both = [code for code in entry.valid_codes if code in entry.invalid]
    if both:
        return f"{both[0]} is in invalid and in valid_codes: keep it in one of them."
    if signal.datatype == "string":
        idle = sorted(given & {"factor", "offset", "decimals", "min", "max"})
        if idle:
            return f"{entry.path} is a word: {idle[0]} does not apply, values alone names codes."
    if signal.datatype == "boolean" and entry.decimals is not None:
        return f"{entry.path} is a boolean: decimals does not apply."
    if signal.is_integer and (entry.decimals or 0) > 0:
        return f"{entry.path} is whole: decimals can be 0 or less."
    return None


def _wrong_words(entry: Entry, signal: Signal) -> str | None:
    if signal.datatype == "string":
        strangers = sorted(set((entry.values or {}).values()) - set(signal.allowed))
        if not entry.values or strangers:
            return f"values must map codes to some of: {', '.join(signal.allowed)}."
    elif entry.values is not None:
        return f"{entry.path} is a {signal.datatype}: values name words only."
    return None
