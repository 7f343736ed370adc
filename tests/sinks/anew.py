"""What every sink must do if a topic is made anew, whatever it writes to. One suite, subclassed."""

from collections.abc import Sequence

import pytest

from sinks.port.sink import OtherTopicError, Sink
from telemetry.arrived import Arrived
from tests.sinks.contract import Restart
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, A, B, record, whose

FIRST, SECOND, THIRD = "id-1", "id-2", "id-3"
ONE_PARTITION, TWO_PARTITIONS = {0: 2}, {0: 2, 1: 2}


def named(*ids: str, first: int = 0, partition: int = 0) -> Sequence[Arrived]:
    """Records of topic A under these ids, from an offset on."""
    return [record(first + n, A, partition, ce_id=one) for n, one in enumerate(ids)]


def id_of(sink: Sink, topic: str, partition: int) -> str | None:
    """Of which topic the position is; None without one."""
    place = sink.places().get((topic, partition))
    return None if place is None else place.topic_id


class AnewContract:
    def test_what_was_written_without_an_id_is_of_an_unknown_topic(self, restart: Restart) -> None:
        restart().write([record(0)], NOW_MS)
        sink = restart()
        assert id_of(sink, A, 0) is None
        assert id_of(sink, B, 0) is None

    def test_an_id_is_remembered_without_a_record_and_beyond_a_restart(
        self, restart: Restart
    ) -> None:
        restart().write([record(0), record(0, A, 1)], NOW_MS)
        restart().bind(A, FIRST)
        sink = restart()
        assert [id_of(sink, A, 0), id_of(sink, A, 1)] == [FIRST, FIRST]
        assert [sink.position(A, 0), sink.position(A, 1)] == [1, 1]

    def test_the_first_record_of_a_partition_is_of_the_topic_bound(self, restart: Restart) -> None:
        sink = restart()
        sink.bind(A, FIRST)
        assert id_of(sink, A, 0) is None
        sink.write([record(0)], NOW_MS)
        assert id_of(restart(), A, 0) == FIRST

    def test_passing_over_the_first_record_binds_its_partition_too(self, restart: Restart) -> None:
        sink = restart()
        sink.bind(A, FIRST)
        sink.pass_over(A, 0, 0, NOW_MS)
        assert id_of(restart(), A, 0) == FIRST

    def test_a_topic_with_another_id_is_not_bound(self, restart: Restart) -> None:
        sink = restart()
        sink.bind(A, FIRST)
        sink.write([record(0)], NOW_MS)
        with pytest.raises(OtherTopicError):
            restart().bind(A, SECOND)
        assert id_of(restart(), A, 0) == FIRST

    def test_after_adopting_all_of_the_new_topic_is_kept(self, restart: Restart) -> None:
        sink = restart()
        sink.bind(A, FIRST)
        sink.write(named("a", "b", "c"), NOW_MS)
        sink.adopt(A, SECOND, {0: 5})
        assert [sink.position(A, 0), id_of(sink, A, 0)] == [0, SECOND]
        assert sink.write(named("d", "e"), NOW_MS).records == 2
        sink = restart()
        assert [sink.position(A, 0), id_of(sink, A, 0)] == [2, SECOND]
        assert sink.write(named("f", first=2), NOW_MS).records == 1
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 12

    def test_what_is_kept_already_is_not_kept_again(self, restart: Restart) -> None:
        sink = restart()
        sink.write(named("a", "b", "c"), NOW_MS)
        restart().adopt(A, SECOND, {0: 4})
        written = restart().write(named("b", "c", "d", "d"), NOW_MS)
        assert (written.duplicates, written.records) == (3, 1)
        assert restart().locate(OUTPUT_A, whose("PSEUDONYM")).rows == 8

    def test_it_is_known_in_partitions_that_were_not_there_before(self, restart: Restart) -> None:
        sink = restart()
        sink.write(named("a", "b"), NOW_MS)
        sink.adopt(A, SECOND, TWO_PARTITIONS)
        assert [sink.position(A, 1), id_of(sink, A, 1)] == [0, SECOND]
        assert sink.write(named("a", "c", partition=1), NOW_MS).duplicates == 1

    def test_what_was_kept_and_swept_does_not_come_back(self, restart: Restart) -> None:
        sink = restart()
        sink.write(named("a"), NOW_MS)
        sink.expire(EXPIRES_MS)
        sink.adopt(A, SECOND, ONE_PARTITION)
        assert sink.write(named("a"), EXPIRES_MS).expired_on_arrival == 1

    def test_what_was_erased_does_not_come_back(self, restart: Restart) -> None:
        sink = restart()
        sink.write(named("a"), NOW_MS)
        sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        sink.adopt(A, SECOND, ONE_PARTITION)
        assert restart().write(named("a"), NOW_MS).duplicates == 1

    def test_a_topic_may_be_adopted_again_and_again(self, restart: Restart) -> None:
        sink = restart()
        sink.write(named("a", "b"), NOW_MS)
        for topic_id, name in ((SECOND, "c"), (THIRD, "d"), (THIRD, "e")):
            sink.adopt(A, topic_id, ONE_PARTITION)
            sink.write(named("a", name), NOW_MS)
            sink = restart()
        assert sink.position(A, 0) == 2
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 10

    def test_other_topics_are_left_as_they_are(self, restart: Restart) -> None:
        sink = restart()
        sink.bind(B, FIRST)
        sink.write([record(0, B), *named("a")], NOW_MS)
        sink.adopt(A, SECOND, ONE_PARTITION)
        assert [sink.position(B, 0), id_of(sink, B, 0)] == [1, FIRST]
