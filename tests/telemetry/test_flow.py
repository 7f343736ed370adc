from hypothesis import given
from hypothesis import strategies as st

from telemetry.flow import FlowRecord, OutputFlow, fold


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


def test_a_row_that_does_not_close_is_seen() -> None:
    assert OutputFlow(3, 1, {"thinned": 2}).closes
    assert not OutputFlow(3, 1, {"thinned": 1}).closes
