"""The grammar of operations: one line of words to one operation, and back.

keep | round STEP [unit] | bucket WIDTH [unit] | thin N s | thin 1 in N | mesh jis N m |
mesh h3 N | drop | trim_trip_ends … | hide_home_cells
"""

import re
from dataclasses import dataclass
from typing import Final, assert_never

from policy.vocabulary import words
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
from policy.vocabulary.words import WordError

GRAMMAR: Final = (
    "keep, drop, round STEP unit, bucket WIDTH unit, thin N s, thin 1 in N, mesh jis N m, "
    "mesh h3 N, trim_trip_ends N m N min, hide_home_cells"
)
NOT_CARRIED_OUT: Final = ("trim_trip_ends", "hide_home_cells")
"""Words of the language that are not carried out yet: their cells are withheld."""

_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Spoken:
    """An operation as written, with the unit beside its number if there is one."""

    words: str
    operation: Operation
    unit: str | None = None


def operation(value: object) -> Spoken:
    """Parse one operation; WordError names the grammar."""
    said = words.text(value)
    head, _, rest = said.partition(" ")
    unit: str | None = None
    found: Operation | None = None
    match head:
        case "keep" | "drop" if not rest:
            found = Keep() if head == "keep" else Drop()
        case "round":
            step, unit = _measure(rest, "round 1 percent")
            found = Round(step)
        case "bucket":
            width, unit = _measure(rest, "bucket 10 km/h")
            found = Bucket(width)
        case "thin":
            found = _thin(rest)
        case "mesh":
            found = words.mesh(rest)
        case _ if head in NOT_CARRIED_OUT:
            found = Unsupported(said)
        case _:
            pass
    if found is None:
        message = f"unknown operation `{said}`"
        raise WordError(message, f"write one of: {GRAMMAR}")
    return Spoken(said, found, unit)


def _measure(rest: str, example: str) -> tuple[float, str | None]:
    number, _, unit = rest.partition(" ")
    if not _NUMBER.fullmatch(number) or float(number) == 0:
        message = "a number above zero is missing"
        raise WordError(message, f"write for example `{example}`")
    return float(number), unit or None


def _thin(rest: str) -> ThinTime | ThinCount:
    one_in = re.fullmatch(r"1 in (\d{1,6})", rest)
    if one_in is None:
        return ThinTime(words.duration_ms(rest))
    if int(one_in[1]) == 0:
        message = "thinning to one in none keeps nothing"
        raise WordError(message, "write `thin 1 in 2`, or `drop`")
    return ThinCount(int(one_in[1]))


def format_operation(chosen: Operation, unit: str = "") -> str:
    """The words of an operation on a signal of this unit."""
    tail = f" {unit}" if unit else ""
    match chosen:
        case Round(step):
            said = f"round {step:.12g}{tail}"
        case Bucket(width):
            said = f"bucket {width:.12g}{tail}"
        case ThinTime(every_ms):
            said = f"thin {words.format_duration(every_ms)}"
        case ThinCount(one_in):
            said = f"thin 1 in {one_in}"
        case MeshJis(size_m, elsewhere):
            said = f"mesh jis {size_m} m" + (" else h3" if elsewhere else "")
        case MeshH3(resolution):
            said = f"mesh h3 {resolution}"
        case Unsupported(name):
            said = name
        case Keep() | Drop():
            said = type(chosen).__name__.lower()
        case _:
            assert_never(chosen)
    return said
