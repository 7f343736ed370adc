"""The signal catalogue: which VSS paths exist, with unit, datatype and range.

Paths and units follow COVESA VSS 6.0. A path that is not in the catalogue is rejected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct


class Kind(StrEnum):
    """What a signal reveals about its people; position kinds need care as location."""

    POSITION = "position"
    BEHAVIOUR = "behaviour"
    IDENTITY = "identity"
    TECHNICAL = "technical"
    ENVIRONMENT = "environment"


Datatype = Literal[
    "boolean", "uint8", "int8", "uint16", "int16", "uint32", "int32", "float", "double", "string"
]


class Signal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One catalogue row. ``min``/``max`` are inclusive, in ``unit``; strings list ``allowed``."""

    path: str
    unit: str
    datatype: Datatype
    kind: Kind
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] = ()
    obd: str | None = None
    """The python-OBD command that yields it, if there is one."""
    derived: bool = False
    """Made by an operation (a mesh cell); never accepted from a device."""
    title: str = ""

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers."""
        return self.datatype.startswith(("uint", "int"))

    @property
    def is_number(self) -> bool:
        """Whether values are numbers at all."""
        return self.datatype not in ("boolean", "string")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known signals by path."""

    version: str
    by_path: Mapping[str, Signal]

    def __contains__(self, path: object) -> bool:
        return path in self.by_path

    def __getitem__(self, path: str) -> Signal:
        return self.by_path[path]

    def __iter__(self) -> Iterator[Signal]:
        return iter(self.by_path.values())

    def __len__(self) -> int:
        return len(self.by_path)

    def matching(self, pattern: str) -> tuple[Signal, ...]:
        """The device-reported signals a pattern names: a path, or a branch ending in ``.**``."""
        if pattern.endswith(".**"):
            branch = pattern.removesuffix("**")
            found = (s for s in self if s.path.startswith(branch) and not s.derived)
            return tuple(found)
        signal = self.by_path.get(pattern)
        return (signal,) if signal is not None and not signal.derived else ()


class _Document(Struct, forbid_unknown_fields=True):
    version: str
    signals: list[Signal]


def parse_catalogue(text: bytes | str) -> Catalogue:
    """Read the catalogue's JSON; ValueError if a path is listed twice or a range is empty."""
    document = msgspec.json.decode(text, type=_Document)
    by_path: dict[str, Signal] = {}
    for signal in document.signals:
        if signal.path in by_path:
            msg = f"catalogue: {signal.path} is listed twice"
            raise ValueError(msg)
        if signal.is_number and (
            signal.min is None or signal.max is None or signal.min > signal.max
        ):
            msg = f"catalogue: {signal.path} needs min <= max"
            raise ValueError(msg)
        by_path[signal.path] = signal
    return Catalogue(document.version, by_path)
