"""The streamed cells of a policy, read once more from its pages. Nothing of the compiler is used.

In: the document's folder. Out: for each cell and recipient what it says in so many words: which
signals, how fine their time and place are, on whose consent, how long, and which event ends it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML

UNIT_MS: Final = {
    "s": 1_000, "min": 60_000, "h": 3_600_000, "day": 86_400_000,
    "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000,
}  # fmt: skip
DAY: Final = UNIT_MS["day"]
SHORTEST_DAYS: Final = {"days": 1, "months": 28, "years": 336}
ASKED: Final = {"location", "opt_in", "third_party"}
"""Legal bases that are somebody's own word."""
OUTSIDE: Final = {"third_party", "joint_user", "successor"}
NOT_BUILT: Final = {"trim_trip_ends", "hide_home_cells"}
"""Operations that no program carries out yet; what they treat is withheld."""
PLACE: Final = ("Vehicle.CurrentLocation.Latitude", "Vehicle.CurrentLocation.Longitude")
MESH: Final = "Vehicle.CurrentLocation.Mesh"


class Cell(NamedTuple):
    """One cell for one recipient."""

    id: str
    output: str
    purpose: str
    category: str
    only: tuple[str, ...] | None
    """Patterns of signals; None: all of the category's."""
    basis: str
    recipient: str | None
    """Whom a consent has to name."""
    exact_place: bool
    floor_ms: int
    period: tuple[int, str]
    """How long at most, from the reading."""
    event: str
    after_event: tuple[int, str] | None
    """How long at most from that event; None: a reading brings it with it."""
    by_month: bool
    """Whether an end is the beginning of a month; else of a day."""
    built: bool
    closed_to: frozenset[str]
    """Roles of people whom a forbid keeps out."""


class Policy(NamedTuple):
    """What the pages say of streamed telemetry."""

    cells: tuple[Cell, ...]
    category_of: Mapping[str, str]
    """By signal or branch."""
    topic_ms: int
    """So long a record may lie on its topic."""

    def of(self, signal: str) -> str:
        """A signal's category: a path beats a branch, a longer branch a shorter one."""
        fitting = [one for one in self.category_of if matches(one, signal)]
        return self.category_of[max(fitting, key=len)]


def read_policy(folder: Path) -> Policy:
    """All pages of a document."""
    company = _page(folder / "policy.yaml")
    precisions = _page(folder / "precision.yaml")["precisions"]
    categories = _page(folder / "categories.yaml")["categories"]
    cells: list[Cell] = []
    for file in sorted((folder / "purposes").glob("*.yaml")):
        page = _page(file)
        if page["delivery"]["mode"] == "stream":
            cells += _cells(page, precisions, company["forbids"] + page.get("forbids", []))
    signals = {
        signal: name
        for name, category in categories.items()
        for signal in category.get("signals", ())
    }
    count, unit = company["transport"]["topic_at_most"].split()
    return Policy(tuple(cells), signals, int(count) * UNIT_MS[unit])


def matches(pattern: str, signal: str) -> bool:
    """``.**`` is a branch and all below it."""
    branch = pattern.removesuffix("**")
    return signal.startswith(branch) if branch != pattern else signal == pattern


def later(instant_ms: int, period: tuple[int, str]) -> int:
    """By the calendar; a 31st becomes the last day of a shorter month."""
    count, unit = period
    if unit not in ("months", "years"):
        return instant_ms + count * UNIT_MS[unit]
    at = datetime.fromtimestamp(instant_ms / 1000, UTC)
    months = at.year * 12 + at.month - 1 + count * (12 if unit == "years" else 1)
    first = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    next_first = (first + timedelta(days=31)).replace(day=1)
    day = min(at.day, (next_first - first).days)
    moved = first.replace(day=day, hour=at.hour, minute=at.minute, second=at.second)
    return int(moved.timestamp() * 1000) + instant_ms % 1000


def day_of(instant_ms: int) -> int:
    """When its day began, UTC."""
    return instant_ms - instant_ms % DAY


def month_of(instant_ms: int) -> int:
    """When its month began, UTC."""
    first = datetime.fromtimestamp(instant_ms / 1000, UTC).replace(day=1)
    return day_of(int(first.timestamp() * 1000))


def _page(file: Path) -> Any:
    return YAML(typ="safe").load(file)


def _cells(page: Any, precisions: Any, forbids: list[Any]) -> Iterator[Cell]:
    many = len(page["recipients"]) > 1
    for category, lines in page["cells"].items():
        for number, line in enumerate(lines if isinstance(lines, list) else [lines]):
            for recipient in page["recipients"]:
                if recipient["id"] in line.get("to", [recipient["id"]]):
                    name = f"{page['purpose']}/{recipient['id']}/{category}"
                    yield _cell(
                        name + (f"#{number + 1}" if number else ""),
                        f"{page['purpose']}.{recipient['id']}" if many else page["purpose"],
                        line, recipient, page, precisions, forbids,
                    )  # fmt: skip


def _cell(
    name: str, output: str, line: Any, recipient: Any, page: Any, precisions: Any, forbids: Any
) -> Cell:
    category = name.rpartition("/")[2].partition("#")[0]
    fine, keep = precisions[line["precision"]], line["keep"]
    count, unit = fine["time"].split()
    basis = line.get("basis", page["basis"])["kind"]
    at_most, capped = _period(keep["at_most"]), "cap" in keep
    period = _period(keep["cap"]) if capped else at_most
    days = period[0] * SHORTEST_DAYS[period[1]]
    # An end is dated a 24th of the period too early at most.
    by_month = keep["grain"] == "month" if "grain" in keep else days >= 24 * 28
    assert days >= 24 and keep.get("grain", "month") == "month", "ends are days or months here"
    operations = [
        operation
        for some in line.get("do", {}).values()
        for operation in (some if isinstance(some, list) else [some])
    ]
    return Cell(
        id=name,
        output=output,
        purpose=page["purpose"],
        category=category,
        only=tuple(line["only"]) if "only" in line else None,
        basis=basis,
        recipient=recipient["id"] if basis == "third_party" else None,
        exact_place=fine["space"] == "exact",
        floor_ms=int(count) * UNIT_MS[unit],
        period=period,
        event=keep["from"],
        after_event=at_most if capped else None,
        by_month=by_month,
        built=not any(operation.split()[0] in NOT_BUILT for operation in operations),
        closed_to=_closed_to(category, recipient["class"], page["purpose"], forbids),
    )


def _closed_to(category: str, class_: str, purpose: str, forbids: list[Any]) -> frozenset[str]:
    closed: set[str] = set()
    for forbid in forbids:
        if "role" in forbid.get("when", {}) and purpose not in forbid.get("except", ()):
            fits = category in _listed(forbid.get("category", category))
            if fits and class_ in _listed(forbid.get("to", class_)):
                closed |= set(_listed(forbid["when"]["role"]))
    return frozenset(closed)


def _listed(some: Any) -> list[str]:
    return some if isinstance(some, list) else [some]


def _period(text: str) -> tuple[int, str]:
    count, unit = text.split()
    return int(count), unit if unit.endswith("s") else f"{unit}s"
