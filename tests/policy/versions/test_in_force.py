from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.plan.plan import Lane, Rule
from policy.versions.in_force import in_force
from policy.versions.old_data import AT_ONCE_MS, DECIDED, new_expiry_ms, successor
from policy.vocabulary.operations import Bucket, Keep, Operation
from telemetry.instants import DAY_MS
from telemetry.wire.publication import (
    Publication,
    PublicationError,
    decode_publication,
    encode_publication,
)
from tests.support.documents import FILES, plan_of
from tests.support.plans import SPEED, lane, output

FIRST = Publication("p", 1, 1_000, 900, {})
SECOND = Publication("p", 2, 5_000, 2_000, {})


@pytest.mark.parametrize(
    ("now_ms", "current", "following"),
    [
        (899, None, None),
        (950, None, 1),
        (1_000, 1, None),
        (1_999, 1, None),
        (2_000, 1, 2),
        (4_999, 1, 2),
        (5_000, 2, None),
    ],
)
def test_a_version_takes_over_at_its_date_and_is_known_once_published(
    now_ms: int, current: int | None, following: int | None
) -> None:
    answer = in_force([SECOND, FIRST], now_ms)
    assert (answer.current and answer.current.version) == current
    assert (answer.following and answer.following.version) == following


def test_a_version_published_after_its_date_starts_when_it_is_published() -> None:
    late = replace(SECOND, effective_ms=1_500)
    assert in_force([FIRST, late], 1_999).current == FIRST
    assert in_force([FIRST, late], 2_000).current == late


def test_a_lower_version_never_replaces_a_higher_one() -> None:
    straggler = Publication("p", 1, 9_000, 100, {})
    answer = in_force([SECOND, straggler], 10_000)
    assert (answer.current, answer.following) == (SECOND, None)


def test_what_is_heard_before_it_was_published_takes_over_when_it_was() -> None:
    ahead = replace(SECOND, effective_ms=0, published_ms=5_000)
    answer = in_force([FIRST, ahead], 4_000)
    assert (answer.current, answer.until_ms) == (FIRST, 5_000)
    assert not answer.holds_at(5_000)


publications = st.lists(
    st.builds(
        Publication, st.just("p"), st.integers(1, 9), st.integers(0, 99), st.integers(0, 99),
        st.just({}),
    ),
    max_size=6,
    unique_by=lambda one: one.version,
)  # fmt: skip


@given(published=publications, now_ms=st.integers(0, 120), other_ms=st.integers(0, 120))
def test_an_answer_that_holds_at_an_instant_is_the_one_given_then(
    published: list[Publication], now_ms: int, other_ms: int
) -> None:
    # Also at an earlier one: a clock may be set back.
    answer, other = in_force(published, now_ms), in_force(published, other_ms)
    if answer.holds_at(other_ms):
        assert other == answer


@given(published=publications, now_ms=st.integers(0, 120), step_ms=st.integers(0, 120))
def test_an_answer_holds_until_it_says_and_the_version_never_falls(
    published: list[Publication], now_ms: int, step_ms: int
) -> None:
    answer = in_force(published, now_ms)
    later = in_force(published, now_ms + step_ms)
    if answer.holds_at(now_ms + step_ms):
        assert later == answer
    before = 0 if answer.current is None else answer.current.version
    assert (0 if later.current is None else later.current.version) >= before


@given(published=publications, then_ms=st.integers(0, 99))
def test_what_is_published_later_changes_no_answer_about_the_past(
    published: list[Publication], then_ms: int
) -> None:
    known = [one for one in published if one.published_ms <= then_ms]
    told, told_then = in_force(published, then_ms), in_force(known, then_ms)
    assert (told.current, told.following) == (told_then.current, told_then.following)


def test_a_publication_comes_back_as_it_was_and_compiles_to_the_same_plan() -> None:
    sent = Publication("small", 1, 0, 0, dict(FILES))
    back = decode_publication(encode_publication(sent))
    assert back == sent
    assert plan_of(back.files).digest == plan_of(FILES).digest


def test_a_publication_of_the_first_form_is_read_for_ever() -> None:
    golden = (
        b'{"v":1,"policy":"p","version":1,"effective_ms":1000,"published_ms":900,'
        b'"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","files":{}}'
    )
    assert decode_publication(golden) == FIRST
    assert encode_publication(FIRST) == golden


def test_a_publication_whose_texts_were_changed_is_none() -> None:
    value = encode_publication(Publication("small", 1, 0, 0, dict(FILES)))
    with pytest.raises(PublicationError, match="not what was published"):
        decode_publication(value.replace(b"12 months", b"99 months"))
    with pytest.raises(PublicationError, match="no publication"):
        decode_publication(b"{}")


def test_a_document_too_long_for_a_record_is_refused() -> None:
    with pytest.raises(PublicationError, match="longer than"):
        encode_publication(Publication("p", 1, 0, 0, {"policy.yaml": "x" * 1_000_000}))


def one_lane(days: int, *operations: Operation, floor_ms: int = 1_000) -> tuple[Lane, Rule]:
    made = lane("a", days, floor_ms, {SPEED: operations or (Keep(),)})
    return made, made.rules[0]


def test_a_shorter_period_shortens_old_data_at_once() -> None:
    old, rule = one_lane(30)
    shorter = successor(old, rule, output("study", [one_lane(10)[0]]))
    assert new_expiry_ms(30 * DAY_MS, 0, shorter) == 10 * DAY_MS


def test_a_longer_period_leaves_old_data_alone_without_a_decision() -> None:
    old, rule = one_lane(30)
    longer = successor(old, rule, output("study", [one_lane(90)[0]]))
    assert new_expiry_ms(30 * DAY_MS, 0, longer) == 30 * DAY_MS
    assert new_expiry_ms(30 * DAY_MS, 0, longer, decision="applies_to_new_data") == 30 * DAY_MS
    assert new_expiry_ms(30 * DAY_MS, 0, longer, decision=DECIDED) == 90 * DAY_MS


def test_data_finer_than_the_new_version_allows_goes_at_once() -> None:
    old, rule = one_lane(30)
    coarse = output("study", [one_lane(90, Bucket(10))[0]])
    assert new_expiry_ms(30 * DAY_MS, 0, successor(old, rule, coarse)) == AT_ONCE_MS
    later = output("study", [one_lane(90, floor_ms=60_000)[0]])
    assert successor(old, rule, later) is None
    assert successor(old, rule, None) is None


def test_data_coarser_than_the_new_version_allows_may_stay() -> None:
    old, rule = one_lane(30, Bucket(10))
    assert successor(old, rule, output("study", [one_lane(20)[0]])) is not None
