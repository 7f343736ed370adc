"""The results that are committed: one file of JSON for each measuring run, read as they are.

In: ``bench/results``. Out: figures by their path in the JSON, None for whatever was not measured.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "results"
COMMANDS: Final = (
    "hot_path",
    "sink",
    "people",
    "withdrawal",
    "topic_physics",
    "forgetting",
    "forgetting_large",
)
NOT_MEASURED: Final = "not measured"

Results = Mapping[str, Mapping[str, Any]]
"""By command."""


def read_results(folder: Path = FOLDER) -> Results:
    """What is there; a command without a file has an empty result."""
    files = {name: folder / f"{name}.json" for name in COMMANDS}
    return {
        name: json.loads(file.read_text("utf-8")) if file.exists() else {}
        for name, file in files.items()
    }


def figure(results: Results, *path: str) -> float | None:
    """One number, or None if it was not measured; TypeError if it is none."""
    found: Any = results
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        msg = f"{'.'.join(path)} is no number"
        raise TypeError(msg)
    return float(found)


def shown(number: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, large ones whole; or that it was not measured."""
    if number is None:
        return NOT_MEASURED
    if number == 0:
        return "0"
    if abs(number) >= 10 ** (digits - 1):
        return f"{number:,.0f}"
    rounded = float(f"{number:.{digits}g}")
    whole = len(str(int(abs(rounded)))) if abs(rounded) >= 1 else 0
    leading = 0 if whole else -int(f"{abs(rounded):e}".rpartition("e")[2]) - 1
    return f"{rounded:.{max(0, digits - whole + leading)}f}"
