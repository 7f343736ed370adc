"""Every operation at everyone who asks about operations; and what rounding and bucketing mean."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import floor
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.words.phrases import precision_words
from pages.words.translation import translation
from policy.diff.coarseness import Than, compare_operations
from policy.explain.explain import explain
from policy.explain.question import Consent, Question
from policy.plan.columns import columns_of
from policy.plan.plan import Plan
from policy.vocabulary import operation_words
from policy.vocabulary.bilingual import Language
from policy.vocabulary.operation_words import GRAMMAR, NOT_CARRIED_OUT, format_operation
from policy.vocabulary.operations import (
    PAIR,
    Bucket,
    Drop,
    Keep,
    MeshH3,
    MeshJis,
    Operation,
    Round,
    ThinTime,
    Unsupported,
    apply,
    misfit,
    parts_of,
    widest,
    width,
)
from policy.vocabulary.position import as_coarse_as, mesh_of, withholds
from policy.vocabulary.words import Exact, Space, format_space, space
from telemetry.outcome import Withheld
from tests.policy.versions.lines import STUDY, difference
from tests.support.documents import CATALOGUE, FILES, plan_of
from tests.support.operations import EXAMPLES, MEMBERS, NUMBER, Example, Forgotten

every = pytest.mark.parametrize("example", [EXAMPLES[member] for member in MEMBERS])
OPERATIONS = [
    operation
    for one in EXAMPLES.values()
    for operation in (one.operation, one.coarser)
    if operation is not None
]
SPACES: dict[type, Space] = {
    Exact: Exact(),
    MeshJis: MeshJis(500),
    MeshH3: MeshH3(8),
    Unsupported: Unsupported("prefecture"),
}


def document(example: Example, done: str) -> dict[str, str]:
    """The small document doing so to the signals that the example's operation fits."""
    page = FILES[STUDY].replace("thin 10 s, bucket 10 km/h", "keep" if example.misfit else done)
    if example.fits in PAIR:
        lines = ", ".join(f"{path}: [{done}]" for path in PAIR)
        page = page.replace("precision: P2", f"precision: P0\n    do: {{{lines}}}")
    else:
        page = page.replace("[keep]", f"[{done}]")
    return {file: text for file, text in {**FILES, STUDY: page}.items() if "cases/" not in file}


def question(example: Example, plan: Plan) -> Question:
    at_ms = plan.effective_ms
    return Question(example.fits, "study", "team", Consent.GIVEN, at_ms, at_ms)


def test_every_operation_has_an_example_and_no_example_is_left_over() -> None:
    assert set(EXAMPLES) == set(MEMBERS)
    assert all(type(example.operation) is kind for kind, example in EXAMPLES.items())


@every
@pytest.mark.parametrize("unit", ["", "km/h"])
def test_what_is_said_of_an_operation_is_read_back(example: Example, unit: str) -> None:
    words = format_operation(example.operation, unit)
    assert operation_words.operation(words).operation == example.operation
    assert words.split()[0] in GRAMMAR or words in NOT_CARRIED_OUT


@every
def test_an_operation_acts_on_one_part_and_keep_on_none(example: Example) -> None:
    parts = [part for part in parts_of([example.operation]) if part]
    assert parts == ([] if example.operation == Keep() else [(example.operation,)])


@every
def test_an_operation_fits_its_signals_alone(example: Example) -> None:
    assert misfit(example.operation, CATALOGUE[example.fits]) is None
    if example.misfit is not None:
        assert misfit(example.operation, CATALOGUE[example.misfit]) is not None


@every
def test_an_operation_makes_of_a_number_what_it_says_or_is_loud(example: Example) -> None:
    if example.becomes is not None:
        assert apply([example.operation], 43.7) == example.becomes
    else:
        with pytest.raises(ValueError, match=type(example.operation).__name__):
            apply([example.operation], 43.7)


@every
def test_only_steps_have_a_width(example: Example) -> None:
    steps = parts_of([example.operation]).steps
    assert widest([example.operation]) == (width(steps[0]) if steps else 0)
    assert widest([example.operation]) or not steps


@every
def test_an_operation_in_a_cell_is_in_the_plan_or_denies(example: Example) -> None:
    plan = plan_of(document(example, format_operation(example.operation)))
    rules = [r for lane in plan.outputs[0].lanes for r in lane.rules if r.signal == example.fits]
    answer = explain(plan, question(example, plan))
    if withholds((example.operation,)):
        assert not rules
        assert answer.decision == "withhold"
        assert answer.rules[0].reason in (Withheld.DROPPED, Withheld.UNSUPPORTED)
        return
    assert [rule.operations for rule in rules] == [(example.operation,)]
    assert answer.reason is None
    (words,) = answer.rules[0].treatment
    assert operation_words.operation(words).operation == example.operation
    said = [column.treatment for column in columns_of(plan, plan.outputs[0])]
    assert any(one.startswith(words.removesuffix(" degrees")) for one in said)


@every
def test_taking_an_operation_away_is_a_widening_and_adding_it_none(example: Example) -> None:
    with_it, without = (
        document(example, format_operation(example.operation)),
        document(example, "keep"),
    )
    removed, added = difference(without, with_it), difference(with_it, without)
    if example.operation == Keep():
        assert not removed.changes
        return
    assert removed.undecided
    assert added.changes and not added.undecided


@every
def test_the_coarser_of_two_of_a_kind_tells_less(example: Example) -> None:
    if example.coarser is not None:
        assert compare_operations((example.operation,), (example.coarser,)) is Than.LESS
        assert compare_operations((example.coarser,), (example.operation,)) is Than.MORE


@pytest.mark.parametrize(("old", "new"), list(product(OPERATIONS, OPERATIONS)))
def test_every_operation_is_compared_with_every_other_both_ways(
    old: Operation, new: Operation
) -> None:
    there, back = compare_operations((old,), (new,)), compare_operations((new,), (old,))
    alike = old == new or (withholds((old,)) and withholds((new,)))
    assert (there is Than.SAME) == alike
    assert {there, back} in ({Than.SAME}, {None}, {Than.LESS, Than.MORE})
    if withholds((old,)) and not alike:
        assert there is Than.MORE
    if new == Keep() and not alike:
        assert there is Than.MORE


def test_two_thinnings_or_meshes_in_one_chain_are_never_called_the_same() -> None:
    once, twice = (ThinTime(10_000),), (ThinTime(10_000), ThinTime(60_000))
    assert compare_operations(twice, once) is compare_operations(once, twice) is None
    assert compare_operations((MeshH3(8),), (MeshH3(8), MeshH3(5))) is None


@pytest.mark.parametrize("kind", get_args(Space))
def test_every_kind_of_space_is_known_to_everyone_who_asks(kind: type) -> None:
    one = SPACES[kind]
    assert space(format_space(one)) == one
    in_both = {precision_words(one, 1_000, translation(lang)) for lang in get_args(Language)}
    assert len(in_both) == 2
    assert as_coarse_as(mesh_of(one), Exact())
    assert as_coarse_as(None, one) == (one == Exact())


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: parts_of([one]),
        lambda one: misfit(one, CATALOGUE[NUMBER]),
        lambda one: apply([one], 1),
        lambda one: widest([one]),
        format_operation,
        width,
        mesh_of,
        format_space,
        lambda one: as_coarse_as(None, one),
        lambda one: compare_operations((one,), (Keep(),)),
        lambda one: compare_operations((Keep(),), (one,)),
    ],
)
def test_an_operation_that_is_forgotten_somewhere_is_refused_there(
    ask: Callable[[Any], object],
) -> None:
    with pytest.raises(AssertionError):
        ask(Forgotten())


VALUES = st.floats(-1e6, 1e6)
STEPS = st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0])


@pytest.mark.parametrize(
    ("value", "step", "rounded"),
    [
        (35.681236, 0.01, 35.68), (0.115, 0.01, 0.12), (12.34, 0.5, 12.5), (43.5, 1, 44),
        (-43.5, 1, -43), (1249, 100, 1200), (1250, 100, 1300), (62.5, 5, 65), (2.3, 0.7, 2.1),
        (1.005, 0.01, 1.01), (0.05, 0.1, 0.1), (0.15, 0.1, 0.2), (8.675, 0.01, 8.68), (6.9, 2.3, 6.9),
    ],
)  # fmt: skip
def test_a_half_rounds_up_and_no_float_noise_shows(
    value: float, step: float, rounded: float
) -> None:
    assert apply([Round(step)], value) == rounded


@pytest.mark.parametrize(("value", "low"), [(43.5, 40), (40, 40), (39.999, 30), (-0.1, -10)])
def test_a_bucket_is_named_by_its_lower_edge(value: float, low: float) -> None:
    assert apply([Bucket(10)], value) == low


@pytest.mark.parametrize("width", ["0.1", "0.2", "0.05", "0.01", "0.7", "2.5", "1", "10", "1000"])
def test_a_value_on_a_bound_belongs_to_it_in_the_digits_written(width: str) -> None:
    wide = Decimal(width)
    for step in (*range(-50, 2_000), 123_456, -98_765):
        bound = float(wide * step)
        assert apply([Bucket(float(wide))], bound) == bound
        assert apply([Round(float(wide))], bound) == bound


@given(
    number=st.decimals(-1000, 1000, places=3),
    width=st.sampled_from(["0.1", "0.03", "0.7", "2.5", "10"]),
)
def test_a_step_is_what_exact_arithmetic_makes_it(number: Decimal, width: str) -> None:
    wide = Fraction(width)
    steps = Fraction(number) / wide
    assert apply([Bucket(float(wide))], float(number)) == float(floor(steps) * wide)
    assert apply([Round(float(wide))], float(number)) == float(floor(steps + Fraction(1, 2)) * wide)


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324, 2**70, -(2**70)], ids=str)
def test_no_finite_number_is_too_large_or_too_small(value: float) -> None:
    for operation in (Bucket(0.1), Round(0.001), Bucket(10), Round(1)):
        assert apply([operation], value) == pytest.approx(value, abs=10)


@given(value=VALUES, step=STEPS)
def test_treating_twice_is_treating_once(value: float, step: float) -> None:
    once = apply([Round(step)], value)
    assert apply([Round(step)], once) == pytest.approx(once, abs=1e-6)
    if step >= 1:
        low = apply([Bucket(step)], value)
        assert apply([Bucket(step)], low) == low


@given(value=VALUES, step=STEPS)
def test_a_rounded_value_is_within_half_a_step(value: float, step: float) -> None:
    assert abs(apply([Round(step)], value) - value) <= step / 2 + 1e-6


def test_operations_apply_in_order_and_thinning_leaves_values_alone() -> None:
    assert apply((ThinTime(10_000), Round(1), Bucket(10)), 39.6) == 40
    assert apply((Keep(),), 1.25) == 1.25


@pytest.mark.parametrize("operation", [Drop(), MeshJis(500), Unsupported("hide_home_cells")])
def test_what_has_no_meaning_on_one_number_is_loud(operation: Operation) -> None:
    with pytest.raises(ValueError, match=type(operation).__name__):
        apply((operation,), 1.0)
