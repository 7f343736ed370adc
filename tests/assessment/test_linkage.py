import pytest

from assessment.linkage import common_of
from policy.vocabulary.operations import Keep, widest
from tests.support.operations import EXAMPLES, MEMBERS, Example, Forgotten
from tests.support.plans import SPEED, lane, output, plan


@pytest.mark.parametrize("example", [EXAMPLES[member] for member in MEMBERS])
def test_two_outputs_are_compared_at_the_coarser_width(example: Example) -> None:
    exact = output("one", [lane("a", 30, 1_000, {SPEED: (Keep(),)})])
    treated = output("two", [lane("b", 30, 60_000, {SPEED: (example.operation,)})])
    width = widest([example.operation])
    assert common_of(plan(exact, treated), "one", "two") == {SPEED: (60_000, width)}


def test_an_operation_that_is_forgotten_is_not_taken_for_none() -> None:
    forgotten = output("one", [lane("a", 30, 1_000, {SPEED: (Forgotten(),)})])  # type: ignore[dict-item]  # not in the language, which is the claim
    with pytest.raises(AssertionError, match="Forgotten"):
        common_of(plan(forgotten), "one", "one")
