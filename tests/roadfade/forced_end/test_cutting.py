"""Nothing is cut past what a registered reader has for good; what others lose is counted."""

from bus.ports import Reader
from roadfade.forced_end.cutting import STORE, places
from telemetry.topics import LEDGER_GROUP, RAW, SINK_GROUP, WORKER_GROUP

TOPIC = "purpose.a"
BEGINS, ENDS = {0: 5, 1: 0}, {0: 25, 1: 10}


def sink(first: int, second: int) -> Reader:
    return Reader(SINK_GROUP, ours=True, committed={(TOPIC, 0): first, (TOPIC, 1): second})


def test_who_has_read_all_holds_nothing_back() -> None:
    found = places(TOPIC, BEGINS, ENDS, [sink(25, 10)], {})
    assert (found.cut(ENDS), found.unread_by_ours(ENDS), found.records) == (ENDS, {}, 30)


def test_the_slowest_of_group_and_store_holds_back() -> None:
    found = places(TOPIC, BEGINS, ENDS, [sink(20, 10)], {0: 25, 1: 7})
    assert found.cut(ENDS) == {0: 20, 1: 7}
    assert found.unread_by_ours(ENDS) == {SINK_GROUP: 5, STORE: 3}


def test_a_partition_that_the_store_does_not_name_is_the_groups() -> None:
    found = places(TOPIC, BEGINS, ENDS, [sink(25, 10)], {0: 25})
    assert found.cut(ENDS) == ENDS


def test_a_registered_reader_that_never_read_needs_all() -> None:
    for readers in ([], [Reader(SINK_GROUP, ours=True, committed={})]):
        found = places(TOPIC, BEGINS, ENDS, readers, {})
        assert found.cut(ENDS) == BEGINS
        assert found.unread_by_ours(ENDS) == {SINK_GROUP: 30}


def test_a_group_of_our_name_elsewhere_is_none_of_ours() -> None:
    elsewhere = Reader(SINK_GROUP, ours=False, committed={(TOPIC, 0): 25, (TOPIC, 1): 10})
    found = places(TOPIC, BEGINS, ENDS, [elsewhere], {})
    assert found.cut(ENDS) == BEGINS
    assert found.lost_by_others(ENDS) == {SINK_GROUP: 0}


def test_what_others_lose_is_what_they_have_not_read_before_the_cut() -> None:
    partner = Reader("partner", ours=False, committed={(TOPIC, 0): 8})
    found = places(TOPIC, BEGINS, ENDS, [sink(20, 10), partner], {})
    assert found.lost_by_others(found.cut(ENDS)) == {"partner": 12 + 10}


def test_the_raw_topic_is_the_workers_and_no_group_of_ours_is_a_stranger() -> None:
    worker = Reader(WORKER_GROUP, ours=True, committed={(RAW, 0): 25, (RAW, 1): 10})
    ledger = Reader(LEDGER_GROUP, ours=True, committed={})
    found = places(RAW, BEGINS, ENDS, [worker, ledger], {})
    assert (found.cut(ENDS), found.others) == (ENDS, {})
