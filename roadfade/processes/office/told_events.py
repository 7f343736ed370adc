"""Where the office begins on the topic of reported events, and what its records held. Pure.

In: places on record, what partitions hold, what was fetched. Out: offsets to begin at, with what
was lost; records as the register takes them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bus.ports import ConsumedRecord, Offsets, SetAside
from office.registry.reported import Place, Told
from telemetry.topics import EVENTS_REPORTED
from telemetry.wire.event import EventRefusal, take_event


def begin_at(
    known: Mapping[int, Place], topic_id: str, begins: Offsets, ends: Offsets
) -> tuple[dict[int, int], int, int]:
    """Where to begin, how many records ended unread at most, in how many partitions it goes back.

    A place in another topic, or behind the end, is none: all that lies there is read again. "At
    most", because marks of transactions have offsets, too.
    """
    since: dict[int, int] = {}
    lost = back = 0
    for (_, number), begin in begins.items():
        place = known.get(number)
        if place is None:
            since[number] = begin
        elif place.topic_id != topic_id or place.next_offset > ends[EVENTS_REPORTED, number]:
            since[number] = begin
            back += 1
        else:
            since[number] = max(begin, place.next_offset)
            lost += since[number] - place.next_offset
    return since, lost, back


def told_of(
    fetched: Mapping[int, Sequence[ConsumedRecord]], aside: Iterable[SetAside]
) -> dict[int, list[Told]]:
    """What records hold, by partition in order; of a batch that was not unpacked, one for all."""
    told: dict[int, list[Told]] = {}
    for number, records in fetched.items():
        told[number] = list(_told(records))
    for one in aside:
        bomb = Told(one.first, one.last + 1, EventRefusal.UNPACKING)
        told.setdefault(one.partition.partition, []).append(bomb)
    return {number: sorted(mine, key=lambda one: one.offset) for number, mine in told.items()}


def _told(records: Iterable[ConsumedRecord]) -> Iterator[Told]:
    for one in records:
        yield Told(one.offset, one.offset + 1, take_event(one.key, one.value))
