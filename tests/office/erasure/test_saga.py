"""What a request waits for that no store can be asked for any more, or not yet."""

from dataclasses import replace

import pytest

from office.erasure.saga import (
    Standing,
    State,
    Step,
    Surroundings,
    Wait,
    answers_awaited,
    next_step,
    to_look_for,
)

ASKED = Standing("e", State.ASKED, whole=False, asked_ms=1)
AROUND = Surroundings(now_ms=10, high_water=5, view_ms=3, commands_max=100)
COMMANDED = replace(ASKED, state=State.SUPPRESSED, commands={"c": "study"})


@pytest.mark.parametrize(
    ("ends", "commands", "goes_on"),
    [(False, 0, True), (False, 89, True), (False, 90, False), (True, 49, True), (True, 50, False)],
)
def test_no_request_brings_a_store_more_commands_than_it_can_hold(
    *, ends: bool, commands: int, goes_on: bool
) -> None:
    step = next_step(replace(ASKED, ends=ends), replace(AROUND, commands=commands))
    assert (step is Step.COMMAND) is goes_on
    assert isinstance(step, Wait) is not goes_on


def test_a_store_that_never_answered_is_awaited_and_one_that_was_retired_is_not() -> None:
    assert isinstance(answers_awaited(COMMANDED, AROUND), Wait)
    living = replace(AROUND, stores={"study": frozenset({"lake:a"})})
    assert isinstance(answers_awaited(COMMANDED, living), Wait)
    answered = replace(COMMANDED, answered={("c", "lake:a"): True})
    assert answers_awaited(answered, living) is None
    retired = replace(AROUND, stores={"study": frozenset()})
    assert answers_awaited(COMMANDED, retired) is None


def test_once_its_commands_end_nobody_is_awaited_for_an_output_that_nothing_knows() -> None:
    gone = replace(ASKED, state=State.GONE, commands={"c": "study"}, until_ms=10)
    assert to_look_for(replace(gone, until_ms=11), AROUND) == frozenset()
    assert to_look_for(replace(gone, state=State.SUPPRESSED), AROUND) == frozenset()
    assert to_look_for(gone, AROUND) == {"study"}
    assert isinstance(next_step(gone, AROUND), Wait)
    without = replace(AROUND, without=frozenset({"study"}))
    assert next_step(gone, without) is Step.CLOSE
    # Another output of the same request is awaited as ever, and so is one before its time.
    assert isinstance(next_step(replace(gone, commands={"c": "study", "d": "x"}), without), Wait)
    assert isinstance(next_step(replace(gone, until_ms=11), without), Wait)
    assert to_look_for(gone, replace(AROUND, stores={"study": frozenset()})) == frozenset()


def test_a_withdrawal_that_takes_effect_later_commands_nothing_before() -> None:
    later = replace(ASKED, from_ms=11)
    assert next_step(later, AROUND) == Wait("the withdrawal takes effect then", 11)
    assert next_step(later, replace(AROUND, now_ms=11)) is Step.COMMAND
