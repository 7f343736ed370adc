"""A record at which every process dies is found, passed over and told, on every broker."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from bus.failures import GaveUpError, HandlerWaitsError, SendFailedError
from bus.loops.attempts import ATTEMPTS_MAX, Note, read_note
from bus.loops.batch_loop import BatchSettings
from bus.ports import Broker, Committed, ReaderSettings, TopicPartition
from bus.records import Outgoing, Sendable
from telemetry.arrived import Arrived
from tests.integration.bus_road import (
    GROUP,
    IN,
    Noted,
    Through,
    copier,
    copy,
    delete_before,
    make_road,
    numbered,
    publish,
    running,
    until,
    values,
)

SMALL = BatchSettings(ReaderSettings(records_max=10))


class Died(Exception):  # noqa: N818  # what a record does to a process
    pass


class Told(Noted):
    def __init__(self) -> None:
        super().__init__()
        self.over: list[tuple[str, int, int]] = []

    def passed_over(self, topic: str, partition: int, offset: int) -> None:
        self.over.append((topic, partition, offset))


async def noted_at(bus: Broker, partition: int) -> Committed | None:
    """What the group has committed there, as its member ``m`` reads it: none has to wait for it."""

    async def revoked() -> None:
        return

    settings = ReaderSettings()
    member = bus.group_member(GROUP, [IN], member="m", settings=settings, revoked=revoked)
    await member.start()
    try:
        return await member.committed(TopicPartition(IN, partition))
    finally:
        await member.stop(10_000)


async def test_metadata_is_committed_with_its_offset(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 9))

    async def revoked() -> None:
        return

    at = TopicPartition(IN, 0)
    settings = ReaderSettings()
    member = bus.group_member(GROUP, [IN], member=None, settings=settings, revoked=revoked)
    await member.start()
    assert await member.committed(at) is None
    while not await member.fetch():
        pass
    for told in (Committed(0, "v1;attempts=1;from=0;to=9"), Committed(9)):
        await member.commit({at: told})
        assert await member.committed(at) == told
    await member.stop(10_000)


class Deadly:
    """A handler that ends its process at some records."""

    def __init__(self, *values: int) -> None:
        self._values = {b"%d" % value for value in values}
        self.deaths = 0

    async def __call__(self, partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        if any(record.value in self._values for record in records):
            self.deaths += 1
            raise Died
        return await copy(partition, records)


async def restarted_until(bus: Broker, records: int, handle: Any) -> Told:
    """Start a loop again whenever it died, until so many records are through."""
    told = Told()
    for _ in range(30):
        try:
            async with running(
                copier(bus, told, handle=handle, settings=SMALL, member="m")
            ) as tasks:
                await until(lambda: told.records >= records, *tasks)
                return told
        except Died:
            continue
    pytest.fail("it dies for ever")


async def test_the_record_at_which_each_process_dies_is_passed_over(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 40))
    handle = Deadly(17)
    told = await restarted_until(bus, 39, handle)
    assert told.over == [(IN, 0, 17)]
    # The first was not the first batch of its process; then with others, twice; then alone.
    assert handle.deaths == 1 + 3 * ATTEMPTS_MAX
    assert await values(bus, partitions=1) == Counter(b"%d" % n for n in range(40) if n != 17)
    assert not told.expired, "what was passed over did not expire"
    assert not told.again
    found = await noted_at(bus, 0)
    assert found == Committed(40, ""), "nothing is suspect any more"


async def test_two_deadly_records_cost_no_other(bus: Broker) -> None:
    await make_road(bus, partitions=2)
    await publish(bus, numbered(0, 60))
    told = await restarted_until(bus, 58, Deadly(0, 31))
    assert len(told.over) == 2
    found = await values(bus, partitions=2)
    assert set(found) == {b"%d" % n for n in range(60)} - {b"0", b"31"}


async def test_a_process_that_is_killed_anywhere_costs_no_record(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 30))
    killed: Counter[int] = Counter()

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        # Killed at each batch that is the first of its process, then once at each record alone.
        first = records[0].offset
        if killed[first] < (1 if len(records) == 1 else 2):
            killed[first] += 1
            raise Died
        return await copy(partition, records)

    told = Told()
    for _ in range(200):
        try:
            async with running(
                copier(bus, told, handle=handle, settings=SMALL, member="m")
            ) as tasks:
                await until(lambda: told.records >= 30, *tasks)
                break
        except Died:
            continue
    assert told.over == []
    assert set(await values(bus, partitions=1)) == {b"%d" % n for n in range(30)}


async def test_a_failure_that_is_tried_again_is_no_death(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))
    noted = Told()
    attempts: list[Note | None] = []

    class RefusedAtFirst(Through):
        async def send_all(self, outgoing: Sequence[Sendable]) -> None:
            found = await loop._reader._member.committed(TopicPartition(IN, 0))
            attempts.append(read_note(found.metadata if found else ""))
            if len(attempts) <= 3:
                raise SendFailedError
            await super().send_all(outgoing)

    loop = copier(bus, noted, producer=RefusedAtFirst(bus), settings=SMALL)
    async with running(loop) as tasks:
        await until(lambda: noted.records == 5, *tasks)
    assert attempts == [Note(1, 0, 5)] * 4
    assert noted.over == []


async def test_what_a_handler_waits_for_is_no_fault_of_its_records(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))
    noted = Told()
    tries: list[int] = []

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        tries.append(records[0].offset)
        if len(tries) <= 3:
            raise HandlerWaitsError from OSError()
        return await copy(partition, records)

    loop = copier(bus, noted, handle=handle, settings=SMALL)
    async with running(loop) as tasks:
        await until(lambda: noted.records == 5, *tasks)
    assert noted.retries == ["OSError"] * 3
    assert tries == [0] * 4
    assert await values(bus, partitions=1) == Counter(b"%d" % n for n in range(5))


async def test_processes_that_are_killed_while_a_handler_waits_cost_no_record(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))

    class KilledInTheWait(Told):
        def retrying(self, reason: str, wait_ms: int) -> None:
            raise Died

    async def waits(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        raise HandlerWaitsError

    told = KilledInTheWait()
    for _ in range(2 * ATTEMPTS_MAX + 2):
        with pytest.raises(Died):
            await copier(bus, told, handle=waits, settings=SMALL, member="m").run()
        found = await noted_at(bus, 0)
        assert found is not None
        assert read_note(found.metadata) == Note(0, 0, 5)
    async with running(copier(bus, told, settings=SMALL, member="m")) as tasks:
        await until(lambda: told.records == 5, *tasks)
    assert told.over == []


async def test_a_process_that_gives_up_is_no_death_of_its_records(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))

    class Refused(Through):
        async def send_all(self, outgoing: Sequence[Sendable]) -> None:
            raise SendFailedError

    told = Told()
    for _ in range(2 * ATTEMPTS_MAX + 2):
        settings = BatchSettings(ReaderSettings(records_max=10), give_up_ms=300)
        loop = copier(bus, told, producer=Refused(bus), settings=settings, member="m")
        with pytest.raises(GaveUpError):
            await loop.run()
        found = await noted_at(bus, 0)
        assert found is not None
        assert read_note(found.metadata) == Note(0, 0, 5)
    async with running(copier(bus, told, settings=SMALL, member="m")) as tasks:
        await until(lambda: told.records == 5, *tasks)
    assert told.over == []


async def test_what_expired_is_counted_although_a_process_died_first(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 10))
    async with running(copier(bus, before := Told(), settings=SMALL, member="m")) as tasks:
        await until(lambda: before.records == 10, *tasks)
    await publish(bus, numbered(10, 30))
    await delete_before(bus, IN, 0, 15)
    with pytest.raises(Died):
        await copier(bus, Told(), handle=Deadly(15), settings=SMALL, member="m").run()
    async with running(copier(bus, told := Told(), settings=SMALL, member="m")) as tasks:
        await until(lambda: told.records == 15, *tasks)
    assert told.expired == {0: 5}


async def test_what_no_record_causes_is_no_death(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))

    async def full(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        raise OSError

    for _ in range(2 * ATTEMPTS_MAX + 2):
        with pytest.raises(OSError, match=r"^$"):
            await copier(bus, Told(), handle=full, settings=SMALL, member="m").run()
        found = await noted_at(bus, 0)
        assert found is not None
        assert read_note(found.metadata) == Note(0, 0, 5)
    async with running(copier(bus, told := Told(), settings=SMALL, member="m")) as tasks:
        await until(lambda: told.records == 5, *tasks)
    assert told.over == []
