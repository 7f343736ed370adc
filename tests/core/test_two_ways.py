"""The proof of two paths in small, and that it can fail: what is planted in one path is found.

``make proof PROOF_ARGS="envelopes --times 1000"`` tries ten million envelopes: docs/proofs.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from policy.vocabulary.operations import Thin, ThinTime
from processors import core_path, core_tables
from processors.column_plan import MeshStep
from processors.core import CoreState, core_state
from processors.expiry import Expiry
from tests.proof.cases import Case, Sent, make_case
from tests.proof.envelopes import Failure, try_seed
from tests.proof.smallest import smallest
from tests.proof.two_ways import Rebuilt, Worker, run_both_ways
from tests.support.ready_batches import needs_core
from tests.support.times import examples

ENVELOPES = 100
"""Of one case: a fortieth of a second on either path."""
SEEDS = range(12)
"""Among which a planted difference must show."""


def alike(seeds: range) -> Counter[str]:
    figures = Counter[str]()
    for seed in seeds:
        case = make_case(seed, ENVELOPES)
        figures.update(run_both_ways(case, core=core_state() is CoreState.CARRIES))
    return figures


def test_envelopes_of_every_kind_come_out_alike_however_they_are_cut_and_moved() -> None:
    figures = alike(range(examples(len(SEEDS))))
    assert figures["restarts"] and figures["moves"] and figures["done_twice"]
    assert figures["remembered"] and figures["delivered"] and figures["rejected"]
    assert figures["erased"] and figures["objected"]
    assert figures["cases_free"] and figures["cases_strict"] and figures["cases_lossy"]
    if core_state() is CoreState.CARRIES:
        assert figures["left_by_the_core"] < 0.8 * figures["envelopes"]


def test_a_seed_gives_the_same_case_each_time() -> None:
    assert make_case(3) == make_case(3) != make_case(4)


def _other_width(patch: pytest.MonkeyPatch) -> None:
    """The lowest bit of a step by which values are rounded."""
    true = core_tables._steps

    def steps(operations: Any) -> list[dict[str, Any]]:
        return [one | {"top": one["top"] ^ 1} for one in true(operations)]

    patch.setattr(core_tables, "_steps", steps)


def _other_half(patch: pytest.MonkeyPatch) -> None:
    """Whether a half goes up."""
    true = core_tables._steps

    def steps(operations: Any) -> list[dict[str, Any]]:
        return [one | {"half": not one["half"]} for one in true(operations)]

    patch.setattr(core_tables, "_steps", steps)


def _other_bin(patch: pytest.MonkeyPatch) -> None:
    """The lowest bit of a bin of time."""
    true = core_tables._thin

    def thin(operation: Thin) -> dict[str, Any]:
        return (
            {"Time": operation.every_ms ^ 1} if isinstance(operation, ThinTime) else true(operation)
        )

    patch.setattr(core_tables, "_thin", thin)


def _other_cell(patch: pytest.MonkeyPatch) -> None:
    """The resolution of cells where the Japanese grid ends."""
    true = core_tables._mesh

    def mesh(step: MeshStep, place_of: Any) -> dict[str, Any]:
        made = true(step, place_of)
        return made | {"h3_resolution": made["h3_resolution"] and made["h3_resolution"] ^ 1}

    patch.setattr(core_tables, "_mesh", mesh)


def _other_slot(patch: pytest.MonkeyPatch) -> None:
    """Which of two reasons a loss is counted under."""
    true = core_tables._mesh

    def mesh(step: MeshStep, place_of: Any) -> dict[str, Any]:
        made = true(step, place_of)
        return made | {"unpaired_slots": made["off_grid_slots"]}

    patch.setattr(core_tables, "_mesh", mesh)


def _other_end(patch: pytest.MonkeyPatch) -> None:
    """When lives end, as records say it."""
    true = core_tables.minute_bytes

    def minute(expiry: Expiry) -> bytes:
        later = [(name, text[:-1] + b"z") for name, text in expiry.expires_at]
        return true(dataclasses.replace(expiry, expires_at=tuple(later)))

    patch.setattr(core_path, "minute_bytes", minute)


@needs_core
@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_other_width, "records"),
        (_other_half, "records"),
        (_other_bin, "records"),
        (_other_cell, "records"),
        (_other_slot, "sums"),
        (_other_end, "records"),
    ],
)
def test_a_difference_in_one_operator_of_one_path_is_found(
    plant: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        alike(SEEDS)


def test_a_restart_that_forgets_one_record_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Worker.rebuild

    def forgetful(self: Worker, partition: int, log: Sequence[Sent], how: Rebuilt) -> None:
        true(self, partition, log, how._replace(first=how.first + 1))

    monkeypatch.setattr(Worker, "rebuild", forgetful)
    with pytest.raises(AssertionError, match="differ"):
        alike(range(60))


@needs_core
def test_a_failure_tells_its_seed_and_a_small_case(monkeypatch: pytest.MonkeyPatch) -> None:
    _other_width(monkeypatch)
    failures = (found for seed in SEEDS if isinstance(found := try_seed(seed), Failure))
    seed, why, case = next(failures)
    assert case.envelopes == 1 and "differ" in why
    assert set(_sent(case)) <= set(_sent(make_case(seed)))


def test_what_does_not_belong_to_a_failure_is_left_out() -> None:
    case = make_case(5)
    two = {_sent(case)[17], _sent(case)[101]}
    assert set(_sent(smallest(case, lambda one: two <= set(_sent(one))))) == two


def _sent(case: Case) -> list[Sent]:
    return [one for stage in case.stages for one in stage.sent]
