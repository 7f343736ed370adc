"""What a cell may do to a signal before an output keeps it: a closed set of operations.

Each is data; the processors carry them out. Written in the document as one line of
words: ``keep``, ``round 1 percent``, ``bucket 10 km/h``, ``thin 10 s``, ``thin 1 in 2``,
``mesh jis 500 m``, ``mesh jis 500 m else h3``, ``mesh h3 8``, ``drop``. Floors of time
belong to the precision.
"""

from dataclasses import dataclass
from typing import Final, Literal

JisSize = Literal[250, 500, 1_000, 10_000]
"""Edge of a JIS X 0410 cell in metres: quarter, half, third-level and second-level mesh."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave the value as it is."""


@dataclass(frozen=True, slots=True)
class Round:
    """To the nearest multiple of ``step`` (in the signal's unit); a half rounds up."""

    step: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """Down to the next multiple of ``width`` (in the signal's unit)."""

    width: float


@dataclass(frozen=True, slots=True)
class ThinTime:
    """Keep the first reading of each ``every_ms`` bin of event time in an envelope."""

    every_ms: int


@dataclass(frozen=True, slots=True)
class ThinCount:
    """Keep every ``one_in``-th reading of an envelope's column, beginning with the first."""

    one_in: int


@dataclass(frozen=True, slots=True)
class MeshJis:
    """Latitude and longitude become one JIS X 0410 mesh code of ``size_m`` metres.

    The standard's grid covers Japan. Outside it a position is withheld, or, with
    ``elsewhere``, becomes an H3 cell whose average area is no smaller.
    """

    size_m: JisSize
    elsewhere: bool = False


H3_AS_COARSE_AS: Final[dict[JisSize, int]] = {250: 9, 500: 8, 1_000: 7, 10_000: 5}
"""The finest H3 resolution whose average cell is no smaller than the JIS cell."""


@dataclass(frozen=True, slots=True)
class MeshH3:
    """Latitude and longitude become one H3 cell of this resolution (0 coarse to 15 fine)."""

    resolution: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Withhold, explicitly."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Named by the document, not carried out yet: withheld, never passed untreated."""

    words: str


Operation = Keep | Round | Bucket | ThinTime | ThinCount | MeshJis | MeshH3 | Drop | Unsupported
Mesh = MeshJis | MeshH3
Thin = ThinTime | ThinCount
