from hypothesis import given
from hypothesis import strategies as st

from policy.vocabulary.operations import Bucket, Round, apply
from processors.column_operations import Valued, column_function

VALUES = st.lists(st.floats(-1e6, 1e6), max_size=20)
STEPS = st.sampled_from([0.001, 0.01, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 1000.0])
CHAINS = st.lists(st.one_of(STEPS.map(Round), STEPS.map(Bucket)), min_size=1, max_size=3)


@given(CHAINS, VALUES)
def test_a_column_is_treated_as_the_policy_says_a_number_is(
    chain: list[Valued], values: list[float]
) -> None:
    treat = column_function(chain)
    assert treat is not None
    assert treat(values) == [apply(chain, value) for value in values]


@given(STEPS, VALUES)
def test_treating_twice_is_treating_once(width: float, values: list[float]) -> None:
    treat = column_function([Round(width)])
    assert treat is not None
    once = treat(values)
    assert treat(once) == once


@given(STEPS, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_a_bucket_reveals_no_order_within_itself(width: float, a: float, b: float) -> None:
    treat = column_function([Bucket(width)])
    assert treat is not None
    low, high = treat([min(a, b), max(a, b)])
    assert low <= high
