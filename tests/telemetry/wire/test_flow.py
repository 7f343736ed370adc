from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.wire.flow import FlowRecord, OutputFlow, encode_flow, fold, take_flow


def record(first: int, last: int, readings: int, partition: int = 0) -> FlowRecord:
    return FlowRecord(
        "telemetry.raw", partition, first, last, {"a": OutputFlow(readings, readings)}, {}
    )


def test_a_batch_done_again_after_a_crash_counts_once() -> None:
    ledger = fold([record(0, 9, 10), record(10, 19, 10), record(10, 14, 5), record(15, 19, 5)])
    assert ledger.outputs["a"].entered == 20


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.data())
def test_the_ledger_counts_each_offset_once_whatever_crashes_when(
    sizes: list[int], data: st.DataObject
) -> None:
    written, committed, total = [], 0, sum(sizes)
    crashes = data.draw(st.integers(0, 5))
    while committed < total:
        size = data.draw(st.integers(1, total - committed))
        written.append(record(committed, committed + size - 1, size))
        if crashes and data.draw(st.booleans()):
            crashes -= 1  # written, never committed
        else:
            committed += size
    assert fold(written).outputs["a"].entered == total


def of(first: int, last: int, generation: int) -> FlowRecord:
    return msgspec.structs.replace(record(first, last, last - first + 1), generation=generation)


@pytest.mark.parametrize(
    "zombie",
    [of(100, 199, 5), of(100, 109, 5), of(120, 139, 5), of(100, 199, -1)],
    ids=["whole", "begin", "middle", "of unknown generation"],
)
@pytest.mark.parametrize("at", range(5))
def test_a_record_left_behind_voids_nothing_of_a_later_generation(
    zombie: FlowRecord, at: int
) -> None:
    written = [of(0, 99, 5), of(100, 129, 6), of(130, 179, 6), of(180, 249, 6), of(250, 299, 6)]
    written.insert(at + 1, zombie)
    assert fold(written).outputs["a"].entered == 300


def test_a_record_that_nobody_repeated_counts_though_it_is_late() -> None:
    written = [of(0, 9, 5), of(20, 29, 6), of(10, 19, 5)]
    assert fold(written).outputs["a"].entered == 30


@given(st.randoms(use_true_random=False))
def test_the_ledger_is_exact_wherever_zombies_write(chance: Random) -> None:
    written: list[FlowRecord] = []
    zombies: list[FlowRecord] = []
    at = 0
    for generation in range(chance.randint(2, 20)):
        # Fetched, and never committed: whoever comes next begins at the same offset.
        zombies += [of(at, at + chance.randint(0, 6), generation)]
        if chance.random() < 1 / 2:
            written.append(zombies.pop(chance.randrange(len(zombies))))
        last = at + chance.randint(0, 4)
        written.append(of(at, last, generation + 1))
        at = last + 1
    chance.shuffle(zombies)
    # What is in hand of the last generation is done again by whoever comes then.
    written += [*zombies, of(at, at, 99)]
    assert fold(written).outputs["a"].entered == at + 1


def test_a_row_that_does_not_close_is_seen() -> None:
    assert OutputFlow(3, 1, {"thinned": 2}).closes
    assert not OutputFlow(3, 1, {"thinned": 1}).closes


GOOD = encode_flow(record(0, 9, 10))
HUGE = b"%d" % 2**63


def without(old: bytes, new: bytes) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


STRANGE = {
    "no value": None,
    "empty": b"",
    "garbage": b"\x00\xffgarbage",
    "deep": b"[" * 100_000,
    "huge partition": without(b'"partition":0', b'"partition":' + HUGE),
    "huge first": without(b'"first":0', b'"first":' + HUGE),
    "huge last": without(b'"last":9', b'"last":' + HUGE),
    "huge count": without(b'"delivered":10', b'"delivered":' + HUGE),
    "ten to the thirty": without(b'"in":10', b'"in":1' + b"0" * 30),
    "huge reason": without(b'"rejected":{}', b'"rejected":{"malformed":' + HUGE + b"}"),
    "negative offset": without(b'"first":0', b'"first":-1'),
    "negative count": without(b'"in":10', b'"in":-10'),
    "ends before it begins": without(b'"first":0', b'"first":10'),
    "half a surrogate": without(b'"a":', b'"\\ud800":'),
    "huge generation": without(b'"generation":-1', b'"generation":' + HUGE),
    "generation before any": without(b'"generation":-1', b'"generation":-2'),
    "a fraction": without(b'"last":9', b'"last":9.5'),
}


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE.keys())
def test_what_no_worker_could_have_written_is_no_flow_record(value: bytes | None) -> None:
    assert take_flow(value) is None


def test_what_a_worker_wrote_is_taken_as_it_is() -> None:
    assert take_flow(GOOD) == record(0, 9, 10)
