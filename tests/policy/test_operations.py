"""Rounding and bucketing, as everyone in the house understands them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.operations import (
    Bucket,
    Drop,
    Keep,
    MeshJis,
    Operation,
    Round,
    ThinTime,
    Unsupported,
    apply,
    bucket,
    round_half_up_to_step,
)

VALUES = st.floats(-1e6, 1e6)
STEPS = st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0])


@pytest.mark.parametrize(
    ("value", "step", "rounded"),
    [
        (35.681236, 0.01, 35.68), (0.115, 0.01, 0.12), (12.34, 0.5, 12.5), (43.5, 1, 44),
        (-43.5, 1, -43), (1249, 100, 1200), (1250, 100, 1300), (62.5, 5, 65), (2.3, 0.7, 2.1),
    ],
)  # fmt: skip
def test_a_half_rounds_up_and_no_float_noise_shows(
    value: float, step: float, rounded: float
) -> None:
    assert round_half_up_to_step(value, step) == pytest.approx(rounded, abs=1e-12)
    if step != 0.7:
        assert len(repr(round_half_up_to_step(value, step))) <= 6


@pytest.mark.parametrize(("value", "low"), [(43.5, 40), (40, 40), (39.999, 30), (-0.1, -10)])
def test_a_bucket_is_named_by_its_lower_edge(value: float, low: float) -> None:
    assert bucket(value, 10) == low


@given(value=VALUES, step=STEPS)
def test_treating_twice_is_treating_once(value: float, step: float) -> None:
    once = round_half_up_to_step(value, step)
    assert round_half_up_to_step(once, step) == pytest.approx(once, abs=1e-6)
    if step >= 1:
        low = bucket(value, step)
        assert bucket(low, step) == low


@given(value=VALUES, step=STEPS)
def test_a_rounded_value_is_within_half_a_step(value: float, step: float) -> None:
    assert abs(round_half_up_to_step(value, step) - value) <= step / 2 + 1e-6


def test_operations_apply_in_order_and_thinning_leaves_values_alone() -> None:
    assert apply((ThinTime(10_000), Round(1), Bucket(10)), 39.6) == 40
    assert apply((Keep(),), 1.25) == 1.25


@pytest.mark.parametrize("operation", [Drop(), MeshJis(500), Unsupported("hide_home_cells")])
def test_what_has_no_meaning_on_one_number_is_loud(operation: Operation) -> None:
    with pytest.raises(ValueError, match=type(operation).__name__):
        apply((operation,), 1.0)
