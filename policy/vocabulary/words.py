"""The words people write for periods, times, spaces and epochs, and what they mean.

Each parser takes one line of words and returns a value; ``WordError`` carries the remedy.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, assert_never, cast, get_args

from policy.vocabulary.operations import JisSize, Mesh, MeshH3, MeshJis, Unsupported
from policy.vocabulary.terms import Epoch, Period, PeriodUnit
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

JIS_SIZES: Final[tuple[JisSize, ...]] = get_args(JisSize)
H3_RESOLUTION_MAX: Final = 15

YEARS_MAX: Final = 100
"""No period, epoch or length of time is longer: every end has a date that can be named."""
DAYS: Final = (date(1970, 1, 1), date(2999, 12, 31))
"""The first and the last day that a document may name."""
_YEARS: Final = {
    "minutes": 60 * 24 * 366,
    "hours": 24 * 366,
    "days": 366,
    "months": 12,
    "years": 1,
}

_COUNTED = re.compile(r"(\d{1,6}) ([a-z]+)")
_UNIT_MS: Final = {
    "ms": 1,
    "s": SECOND_MS,
    "min": MINUTE_MS,
    "h": HOUR_MS,
    "day": DAY_MS,
    "days": DAY_MS,
}


class WordError(ValueError):
    """The words have no meaning here: what is wrong, and what can be written instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Exact:
    """Positions stay as they were measured."""


Space = Exact | MeshJis | MeshH3 | Unsupported


def text(value: object) -> str:
    """The value if it is text; WordError otherwise."""
    if isinstance(value, str):
        return value
    message = "words are expected here"
    raise WordError(message, "write text, as `24 months`")


def _counted(value: object, units: tuple[str, ...], example: str) -> tuple[int, str]:
    found = _COUNTED.fullmatch(text(value))
    remedy = f"write a whole number and a unit, as `{example}` (units: {', '.join(units)})"
    if found is None or int(found[1]) == 0:
        message = "not a count and a unit"
        raise WordError(message, remedy)
    if found[2] not in units:
        message = f"unknown unit `{found[2]}`"
        raise WordError(message, remedy)
    return int(found[1]), found[2]


def period(value: object) -> Period:
    """``30 days``, ``1 month``: a calendar period."""
    known: tuple[str, ...] = get_args(PeriodUnit)
    singular = tuple(unit.removesuffix("s") for unit in known)
    count, unit = _counted(value, known + singular, "24 months")
    return Period(count, cast("PeriodUnit", _bounded(count, unit)))


def _bounded(count: int, unit: str) -> str:
    """The unit in the plural; WordError if so many of it are more than YEARS_MAX years."""
    units = unit.removesuffix("s") + "s"
    if count > YEARS_MAX * _YEARS[units]:
        raise _too_long()
    return units


def _too_long() -> WordError:
    message = f"longer than {YEARS_MAX} years"
    return WordError(message, f"write at most {YEARS_MAX} years, and what the purpose needs")


def day(value: date) -> date:
    """A day that a period can be added to, and taken from, within the calendar."""
    if not DAYS[0] <= value <= DAYS[1]:
        message = f"a day before {DAYS[0].year} or after {DAYS[1].year}"
        raise WordError(message, "write the day that is meant, as `2026-12-01`")
    return value


def duration_ms(value: object) -> int:
    """``10 s``, ``1 min``, ``1 h``, ``1 day``: a fixed length in milliseconds."""
    count, unit = _counted(value, tuple(_UNIT_MS), "10 min")
    length_ms = count * _UNIT_MS[unit]
    if length_ms > YEARS_MAX * _YEARS["days"] * DAY_MS:
        raise _too_long()
    return length_ms


def epoch(value: object) -> Epoch:
    """``3 months`` or ``1 day``: how long a pseudonym stays the same."""
    count, unit = _counted(value, ("day", "days", "month", "months"), "3 months")
    return Epoch(0, count) if _bounded(count, unit) == "days" else Epoch(count)


def space(value: object) -> Space:
    """``exact``, ``jis-mesh 500 m``, ``jis-mesh 500 m else h3``, ``h3 8``.

    ``prefecture`` is named but not carried out.
    """
    words = text(value)
    if words == "exact":
        return Exact()
    if words == "prefecture":
        return Unsupported(words)
    if words.startswith(("jis-mesh ", "h3 ")):
        return mesh(words.replace("jis-mesh ", "jis "))
    message = "unknown kind of space"
    raise WordError(message, "write `exact`, `jis-mesh 500 m`, `h3 8` or `prefecture`")


def mesh(words: str) -> Mesh:
    """``jis 500 m``, ``jis 500 m else h3`` or ``h3 8``, as they follow the word ``mesh``."""
    match words.split():
        case ["jis", size, "m", *elsewhere] if elsewhere in ([], ["else", "h3"]):
            for known in JIS_SIZES:
                if size == str(known):
                    return MeshJis(known, bool(elsewhere))
        case ["h3", resolution] if resolution.isdecimal():
            if int(resolution) <= H3_RESOLUTION_MAX:
                return MeshH3(int(resolution))
        case _:
            pass
    sizes = ", ".join(f"{size} m" for size in JIS_SIZES)
    message = "unknown mesh"
    raise WordError(message, f"write a JIS X 0410 size ({sizes}) or an H3 resolution (0 to 15)")


def format_duration(length_ms: int) -> str:
    """A length in the largest unit that divides it: ``10 min``."""
    for unit in ("days", "h", "min", "s"):
        if length_ms and length_ms % _UNIT_MS[unit] == 0:
            count = length_ms // _UNIT_MS[unit]
            return f"{count} {'day' if unit == 'days' and count == 1 else unit}"
    return f"{length_ms} ms"


def format_space(chosen: Space) -> str:
    """The words of a space."""
    match chosen:
        case Exact():
            return "exact"
        case MeshJis(size_m, elsewhere):
            return f"jis-mesh {size_m} m" + (" else h3" if elsewhere else "")
        case MeshH3(resolution):
            return f"h3 {resolution}"
        case Unsupported(words):
            return words
        case _:
            assert_never(chosen)


Trigger = Literal[
    "reading",
    "ingest",
    "trip_end",
    "contract_end",
    "link_end",
    "device_retired",
    "opt_out",
    "last_message",
    "request_close",
    "campaign_end",
    "report",
    "hand_over",
    "study_end",
    "enrolment_end",
    "filing_date",
    "filing_due",
    "provision_end",
    "consent_end",
    "consent_erased",
]
"""The event from which the document counts; the life itself always starts with the reading.

``consent_erased``: the end of a consent whose person is forgotten, at the latest when it is erased.
"""

READING_TRIGGERS: Final = frozenset({"reading", "ingest", "trip_end"})
"""Events that come with every reading: its life is counted from it."""
CALENDAR_TRIGGERS: Final = frozenset({"filing_due"})
"""Events that the calendar brings: they always come."""
OPEN_TRIGGERS: Final = frozenset(get_args(Trigger)) - READING_TRIGGERS - CALENDAR_TRIGGERS
"""Events that may never come: what counts from them needs a cap, or a day of review."""
LIVING_TRIGGERS: Final = frozenset({"contract_end", "link_end"})
"""Open events that end what people rely on: no cap may end it for them."""


def release_ms(value: object) -> int | None:
    """``live`` (None), or the window in which records gather before they leave."""
    said = text(value)
    return None if said == "live" else duration_ms(said)
