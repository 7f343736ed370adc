"""Whether a map's conversion agrees with the unit that the database writes beside a signal.

In: a unit as a database spells it, the catalogue's, and a map's factor and offset. Out: the
conversion that would be right, if the given one is not. A spelling that is not listed says nothing.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple


class Conversion(NamedTuple):
    """value = decoded * factor + offset."""

    factor: float
    offset: float = 0.0


_KMH: Final = {
    "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "kmph": 1.0, "mph": 1.609344, "mi/h": 1.609344,
    "m/s": 3.6, "mps": 3.6, "kn": 1.852, "kt": 1.852, "kts": 1.852, "knot": 1.852, "knots": 1.852,
}  # fmt: skip
_METRES: Final = {
    "m": 1.0, "mm": 0.001, "cm": 0.01, "dm": 0.1, "km": 1_000.0, "mi": 1_609.344,
    "mile": 1_609.344, "miles": 1_609.344, "ft": 0.3048, "feet": 0.3048, "yd": 0.9144,
}  # fmt: skip
_PASCALS: Final = {
    "pa": 1.0, "hpa": 100.0, "kpa": 1_000.0, "mbar": 100.0, "bar": 100_000.0, "psi": 6_894.757,
    "inhg": 3_386.389, "mmhg": 133.3224,
}  # fmt: skip
_SECONDS: Final = {
    "s": 1.0, "sec": 1.0, "ms": 0.001, "min": 60.0, "minutes": 60.0, "h": 3_600.0, "hr": 3_600.0,
    "hours": 3_600.0,
}  # fmt: skip
_WATTS: Final = {"w": 1.0, "kw": 1_000.0, "hp": 745.7, "ps": 735.5}
_TABLES: Final[Mapping[str, Mapping[str, float]]] = {
    "km/h": _KMH,
    "m": _METRES,
    "km": _METRES,
    "Pa": _PASCALS,
    "kPa": _PASCALS,
    "s": _SECONDS,
    "min": _SECONDS,
    "h": _SECONDS,
    "W": _WATTS,
    "kW": _WATTS,
    "V": {"v": 1.0, "volt": 1.0, "mv": 0.001, "kv": 1_000.0},
    "A": {"a": 1.0, "amp": 1.0, "ma": 0.001, "ka": 1_000.0},
    "kWh": {"kwh": 1.0, "wh": 0.001},
    "Nm": {"nm": 1.0, "knm": 1_000.0, "lb-ft": 1.355818, "lbft": 1.355818, "ft-lb": 1.355818},
    "l": {"l": 1.0, "ml": 0.001, "cl": 0.01, "dl": 0.1},
    "g/s": {"g/s": 1.0, "kg/h": 1 / 3.6, "kg/s": 1_000.0, "g/h": 1 / 3_600},
    "rpm": {"rpm": 1.0, "1/min": 1.0, "r/min": 1.0, "u/min": 1.0, "rps": 60.0, "1/s": 60.0},
    "degrees": {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 180 / math.pi},
    "degrees/s": {"deg/s": 1.0, "degrees/s": 1.0, "rad/s": 180 / math.pi},
    "m/s^2": {"m/s2": 1.0, "m/s/s": 1.0, "g": 9.80665, "mg": 0.00980665},
    "percent": {"%": 1.0, "percent": 1.0, "pct": 1.0, "ratio": 100.0},
    "ratio": {"ratio": 1.0, "%": 0.01, "percent": 0.01},
}
"""By the catalogue's unit: spellings of units of its kind, and what makes one base of them."""
_SCALE_NAMES: Final = {"celsius": "celsius", "c": "celsius", "fahrenheit": "fahrenheit",
                       "f": "fahrenheit", "kelvin": "kelvin", "k": "kelvin"}  # fmt: skip
_TO_CELSIUS: Final = {
    "celsius": Conversion(1.0),
    "fahrenheit": Conversion(5 / 9, -160 / 9),
    "kelvin": Conversion(1.0, -273.15),
}
_ROUNDED: Final = 0.01
"""People write 0.556 for 5/9 and 1.61 for a mile."""


def meant_instead(
    written: str | None, unit: str, factor: float, offset: float
) -> Conversion | None:
    """The right conversion into ``unit``, or None if the given one is it, or nobody can say.

    A database whose unit is the catalogue's already says nothing: a factor or an offset then
    mends the database. So does a sign.
    """
    right = _conversion(_plain(written or ""), unit)
    if right is None or right == Conversion(1.0):
        return None
    scaled = math.isclose(abs(factor), right.factor, rel_tol=_ROUNDED)
    moved = right.offset == 0 or math.isclose(offset, right.offset, rel_tol=2 * _ROUNDED)
    return None if scaled and moved else right


def _conversion(spelling: str, unit: str) -> Conversion | None:
    if unit == "celsius":
        scale = _SCALE_NAMES.get(spelling.removeprefix("degrees").removeprefix("deg"))
        return None if scale is None else _TO_CELSIUS[scale]
    table = _TABLES.get(unit, {})
    if spelling not in table:
        return None
    return Conversion(table[spelling] / table[_plain(unit)])


def _plain(written: str) -> str:
    """Without case, spaces and what encodings make of signs."""
    composed = unicodedata.normalize("NFKC", written).replace("\u03bc", "u")  # micro, not nothing
    ascii_only = composed.encode("ascii", "ignore").decode()
    return re.sub(r"[\s^_*.]", "", ascii_only).casefold()
