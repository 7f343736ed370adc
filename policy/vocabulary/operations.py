"""What a cell may do to a signal before an output keeps it: a closed set of operations.

Each is data; the processors carry them out. Written in the document as one line of
words: ``keep``, ``round 1 percent``, ``bucket 10 km/h``, ``thin 10 s``, ``thin 1 in 2``,
``mesh jis 500 m``, ``mesh jis 500 m else h3``, ``mesh h3 8``, ``drop``. Floors of time
belong to the precision.

What an operation acts on, which signals it fits, how wide it is and what it makes of a
number is defined here, a line each; its words in ``operation_words``, columns and grids in the
processors, which of two reveals more in ``coarseness``. Each of these ends in ``assert_never``:
an operation without a decision stops the compiler or the worker, and passes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, assert_never

from policy.vocabulary import multiples
from telemetry.signals import Signal
from telemetry.wire.record import LATITUDE, LONGITUDE, TROUBLE_CODES

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
    """Keep the first reading of each ``every_ms`` bin of event time.

    Within an envelope the first in time, over envelopes the first that arrived.
    """

    every_ms: int


@dataclass(frozen=True, slots=True)
class ThinCount:
    """Keep every ``one_in``-th reading of a signal, beginning with the first that arrived.

    The count goes over envelopes, and begins anew every ten minutes or so (see ``Limits.late_ms``).
    """

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


Thin = ThinTime | ThinCount


def length_ms(thin: Thin) -> int:
    """How far apart in event time two readings may lie that a thinning compares.

    A count compares none: it begins afresh with each window of arrival.
    """
    match thin:
        case ThinTime(every_ms):
            return every_ms
        case ThinCount():
            return 0
        case _:
            assert_never(thin)


Coarsening = Round | Bucket
Mesh = MeshJis | MeshH3
Withholding = Drop | Unsupported
Operation = Keep | Coarsening | Thin | Mesh | Withholding


PAIR: Final = (LATITUDE, LONGITUDE)
"""The signals that a mesh takes, together."""


class Parts(NamedTuple):
    """Operations by what they act on, each in order; ``keep`` acts on nothing."""

    thin: tuple[Thin, ...]
    """On which readings there are."""
    steps: tuple[Coarsening, ...]
    """On each value by itself."""
    meshes: tuple[Mesh, ...]
    """On both coordinates of a position."""
    withholding: tuple[Withholding, ...]
    """On everything: nothing leaves."""


def parts_of(operations: Iterable[Operation]) -> Parts:
    """Operations by kind; every part that needs one kind gets it here."""
    thin: list[Thin] = []
    steps: list[Coarsening] = []
    meshes: list[Mesh] = []
    withholding: list[Withholding] = []
    for operation in operations:
        match operation:
            case ThinTime() | ThinCount():
                thin.append(operation)
            case Round() | Bucket():
                steps.append(operation)
            case MeshJis() | MeshH3():
                meshes.append(operation)
            case Drop() | Unsupported():
                withholding.append(operation)
            case Keep():
                pass
            case _:
                assert_never(operation)
    return Parts(tuple(thin), tuple(steps), tuple(meshes), tuple(withholding))


def misfit(operation: Operation, signal: Signal) -> tuple[str, str] | None:
    """Why the operation cannot be done to this signal, and the remedy; None if it can."""
    match operation:
        case Round() | Bucket() if not signal.is_number:
            return f"{signal.path} is no number ({signal.datatype})", "write `keep` or `drop`"
        case MeshJis() | MeshH3() if signal.path not in PAIR:
            message = f"a mesh takes latitude and longitude, not {signal.path}"
            return message, "remove it from this line"
        case ThinTime() | ThinCount() if signal.path == TROUBLE_CODES:
            message = "trouble codes come at one instant and cannot be thinned"
            return message, "write `keep` or `drop`, and name the signals to thin instead of all"
        case Round() | Bucket() | MeshJis() | MeshH3() | ThinTime() | ThinCount():
            return None
        case Keep() | Drop() | Unsupported():
            return None
        case _:
            assert_never(operation)


def width(operation: Coarsening) -> float:
    """How far apart two values are that leave as neighbours, in the signal's unit."""
    match operation:
        case Round(step):
            return step
        case Bucket(wide):
            return wide
        case _:
            assert_never(operation)


def widest(operations: Iterable[Operation]) -> float:
    """The width of the coarsest step; zero if values leave as they are."""
    return max((width(step) for step in parts_of(operations).steps), default=0.0)


def apply(operations: Iterable[Operation], value: float) -> float:
    """The value after the operations that treat one number by itself.

    Thinning chooses readings and leaves their values alone. Bounds are decimal: see
    ``multiples``. ValueError for an operation
    that has no meaning on one number (a mesh needs two, ``drop`` leaves none).
    """
    for operation in operations:
        match operation:
            case Round(step):
                [value] = multiples.nearest(step)([value])
            case Bucket(wide):
                [value] = multiples.below(wide)([value])
            case Keep() | ThinTime() | ThinCount():
                pass
            case MeshJis() | MeshH3() | Drop() | Unsupported():
                msg = f"{type(operation).__name__} does not map one number to one number"
                raise ValueError(msg)
            case _:
                assert_never(operation)
    return value
