"""One example of every operation; an operation added to the language is added here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from policy.vocabulary.operations import (
    Bucket,
    Drop,
    Keep,
    MeshH3,
    MeshJis,
    Operation,
    Round,
    ThinCount,
    ThinTime,
    Unsupported,
)
from telemetry.wire.record import LATITUDE, TROUBLE_CODES

NUMBER: Final = "Vehicle.Speed"


@dataclass(frozen=True)
class Example:
    """An operation, one of the same kind that reveals less, and the signal both apply to."""

    operation: Operation
    coarser: Operation | None = None
    fits: str = NUMBER
    misfit: str | None = None
    becomes: float | None = None
    """Its result for 43.7 km/h; None if that is no number."""
    records: int = 1
    """How many of four readings 4 s apart leave."""


EXAMPLES: Final[Mapping[type, Example]] = {
    Keep: Example(Keep(), becomes=43.7, records=4),
    Round: Example(Round(5), Round(10), misfit=TROUBLE_CODES, becomes=45, records=4),
    Bucket: Example(Bucket(10), Bucket(20), misfit=TROUBLE_CODES, becomes=40, records=4),
    ThinTime: Example(
        ThinTime(10_000), ThinTime(60_000), misfit=TROUBLE_CODES, becomes=43.7, records=2
    ),
    ThinCount: Example(ThinCount(2), ThinCount(3), misfit=TROUBLE_CODES, becomes=43.7, records=2),
    MeshJis: Example(MeshJis(500), MeshJis(1_000), LATITUDE, NUMBER, records=4),
    MeshH3: Example(MeshH3(8), MeshH3(7), LATITUDE, NUMBER, records=4),
    Drop: Example(Drop(), records=0),
    Unsupported: Example(Unsupported("hide_home_cells"), records=0),
}
MEMBERS: Final = get_args(Operation)


@dataclass(frozen=True)
class Forgotten:
    """An operation added to the document and nowhere else."""

    step: float = 1
