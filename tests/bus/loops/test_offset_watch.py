from bus.loops.offset_watch import OffsetWatch


def test_dense_offsets_have_no_gap() -> None:
    watch = OffsetWatch()
    watch.expect("raw", 0, 10)
    assert [watch.seen("raw", 0, 10, 14), watch.seen("raw", 0, 15, 15)] == [0, 0]


def test_what_expired_before_it_was_read_is_counted() -> None:
    watch = OffsetWatch()
    watch.expect("raw", 0, 10)
    assert watch.seen("raw", 0, 50, 59) == 40
    assert watch.seen("raw", 0, 60, 60) == 0


def test_offsets_that_come_again_are_negative() -> None:
    watch = OffsetWatch()
    watch.expect("raw", 0, 10)
    assert watch.seen("raw", 0, 4, 20) == -6


def test_a_group_that_never_committed_has_nothing_to_miss() -> None:
    watch = OffsetWatch()
    assert not watch.knows("raw", 0)
    watch.expect("raw", 0, None)
    assert watch.knows("raw", 0)
    assert watch.seen("raw", 0, 500, 501) == 0
    assert watch.seen("raw", 0, 600, 600) == 98


def test_after_a_rebalance_nothing_is_due() -> None:
    watch = OffsetWatch()
    watch.expect("raw", 0, 10)
    watch.forget()
    assert not watch.knows("raw", 0)
    assert watch.seen("raw", 0, 99, 99) == 0
