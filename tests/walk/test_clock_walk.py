"""The clock is moved through every end of random histories: stores hold what the policy says.

The policy is the shipped one, read by a model of its own; office, worker, stores and sweep are those
that ship. ``make proof PROOF_ARGS="walk"`` walks longer and more histories.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from office.erasure import ends, event_ends
from office.erasure.ends import LaneEnd
from policy.plan.carried_out import lacking
from policy.plan.plan import Plan
from policy.vocabulary import periods
from policy.vocabulary.capabilities import Capability
from processors import expiry
from sinks.port.selection import Selection
from telemetry.instants import DAY_MS, MINUTE_MS
from tests.support.times import examples
from tests.walk.history import (
    ASKS,
    BEGIN_MS,
    Agrees,
    Dated,
    Erases,
    Happens,
    Reads,
    Takes,
    TakesBack,
    Withdraws,
    history,
)
from tests.walk.program import Shelf
from tests.walk.shelves import LakeShelf, MemoryShelf, PostgresShelf
from tests.walk.walking import Walk, walked
from tests.walk.words import Policy

if TYPE_CHECKING:
    from sinks.postgres.connection import Database

ACTS = 36
"""Of a history."""
HISTORIES = examples(1)
"""Of each store."""

Walking = Callable[[Shelf, Sequence[Dated]], Walk]


@pytest.fixture
def walking(tmp_path: Path, plan: Plan, words: Policy) -> Walking:
    return lambda shelf, acts: asyncio.run(walked(tmp_path / "office", plan, words, shelf, acts))


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_lake_holds_exactly_what_the_policy_says(
    walking: Walking, plan: Plan, tmp_path: Path, seed: int
) -> None:
    walk = walking(LakeShelf(plan, tmp_path / "lake"), history(seed, ACTS))
    assert walk.figures["rows"] > 0


@pytest.mark.parametrize("seed", range(HISTORIES, 2 * HISTORIES))
def test_postgres_holds_exactly_what_the_policy_says(
    walking: Walking, plan: Plan, database: "Database", seed: int
) -> None:
    walk = walking(PostgresShelf(plan, database), history(seed, ACTS))
    assert walk.figures["rows"] > 0


@pytest.mark.parametrize("seed", range(2 * HISTORIES, 3 * HISTORIES))
def test_a_store_in_memory_holds_exactly_what_the_policy_says(
    walking: Walking, plan: Plan, seed: int
) -> None:
    walk = walking(MemoryShelf(plan), history(seed, ACTS))
    assert walk.figures["rows"] > 0


def day(number: float) -> int:
    return BEGIN_MS + int(number * DAY_MS)


def on_time(number: int, device: str, at_ms: int) -> Dated:
    return Dated(at_ms, Reads(number, device, at_ms - MINUTE_MS))


def late(number: int, device: str, t_ms: int, at_ms: int) -> Dated:
    return Dated(at_ms, Reads(number, device, t_ms))


BEGUN = [
    Dated(day(0), Takes("dongle-1", "ana", "driver")),
    *(Dated(day(0), Agrees("ana", asks)) for asks in ASKS),
    Dated(day(0), Takes("dongle-2", "ben", "driver")),
    *(Dated(day(0), Agrees("ben", asks)) for asks in ASKS),
]
DIRECTED = [
    *BEGUN,
    on_time(0, "dongle-1", day(5)),
    on_time(1, "dongle-2", day(5)),
    Dated(day(20), Happens("contract_end", "ana", None, day(20))),
    Dated(day(21), Happens("device_retired", None, "dongle-2", day(21))),
    Dated(day(22), Happens("contract_end", "ben", None, day(20))),
    Dated(day(23), TakesBack(2)),
    on_time(2, "dongle-1", day(30)),
    Dated(day(30), Withdraws("ana", "third_party_provision", "example_maintenance", day(28))),
    Dated(day(40), Erases("ben", ["service_improve"], None, None, None)),
]


def test_the_walk_covers_exactly_the_cells_that_are_said_to_be_carried_out(
    walking: Walking, plan: Plan
) -> None:
    covered = walking(MemoryShelf(plan), DIRECTED).model.covered
    lacks = {cell.id: set(lacking(cell)) for cell in plan.cells}
    carried = {name for name, missing in lacks.items() if not missing}
    assert len(carried) == 20
    assert carried <= covered
    # Rows of these are kept and end on time; what they lack is something else.
    others = {Capability.RELEASE_WINDOWS, Capability.REGISTERS}
    assert all(lacks[name] <= others for name in covered - carried)
    # And what no store holds is named by `policy check`.
    assert all(lacks[cell.id] for cell in plan.cells if cell.id not in covered)


def test_what_comes_long_after_an_events_day_is_not_kept(walking: Walking, plan: Plan) -> None:
    """The commands of that day are taken back by then."""
    acts = [
        *BEGUN,
        on_time(0, "dongle-1", day(10)),
        Dated(day(20), Happens("contract_end", "ana", None, day(20))),
        late(1, "dongle-1", day(9), day(220)),
        late(2, "dongle-2", day(9), day(220)),
    ]
    walking(MemoryShelf(plan), acts)


def test_what_comes_under_a_key_made_after_an_events_day_is_not_kept(
    walking: Walking, plan: Plan
) -> None:
    """Nothing of last year came in time, so its key was not made; no command names its rows."""
    acts = [
        *BEGUN,
        on_time(0, "dongle-1", day(110)),
        Dated(day(120), Happens("device_retired", None, "dongle-1", day(120))),
        late(1, "dongle-1", day(9), day(301)),
        late(2, "dongle-2", day(9), day(301)),
    ]
    walking(MemoryShelf(plan), acts)


def _a_grain_late(monkeypatch: pytest.MonkeyPatch) -> None:
    said = periods.expires_ms
    monkeypatch.setattr(expiry, "expires_ms", lambda *a: said(*a) + DAY_MS)
    # Else a store would refuse what its version lets nobody keep for so long.
    monkeypatch.setattr("sinks.port.allowed.add_period", lambda *_: 10**15)


def _an_event_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ends.lane_ends

    def without_devices(kind: str, at_ms: int, plans: Sequence[Plan]) -> list[LaneEnd]:
        return [] if kind == "device_retired" else said(kind, at_ms, plans)

    monkeypatch.setattr(event_ends, "lane_ends", without_devices)


def _a_neighbours_row(monkeypatch: pytest.MonkeyPatch) -> None:
    means = Selection.means

    def means_all(self: Selection, pseudonym: str, *more: object) -> bool:
        mine = next(iter(self.pseudonyms))
        return means(self, mine, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Selection, "means", means_all)


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [(_a_grain_late, "too much"), (_an_event_ignored, "too much"), (_a_neighbours_row, "lost")],
)
def test_a_fault_that_is_built_in_is_noticed(
    walking: Walking,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[pytest.MonkeyPatch], None],
    noticed: str,
) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=f"{noticed}: "):
        walking(MemoryShelf(plan), DIRECTED)
