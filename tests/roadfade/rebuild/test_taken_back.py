"""An event that was taken back does not come again though the office reads its topic anew."""

import asyncio

from office.registry.events import events
from office.replay_memory.taken_back import TakenBackEvents
from roadfade.processes.office.reported_events import Moment, ReportedEvents
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS, format_instant
from telemetry.topics import EVENTS_REPORTED
from telemetry.wire.event import ReportedEvent, encode_event
from tests.roadfade.rebuild.small_office import ANA, BEN, SmallOffice


def report(office: SmallOffice, own: str, subject: SubjectId) -> None:
    at = format_instant(office.now_ms - DAY_MS)
    event = ReportedEvent(v=1, id=own, kind="contract_end", at=at, subject=str(subject))
    office.broker.put(EVENTS_REPORTED, event.key, encode_event(event))


def read(office: SmallOffice) -> dict[SubjectId, str]:
    """Have the office read what lies there; its events, by person."""

    async def once() -> dict[SubjectId, str]:
        stopping = asyncio.Event()

        def stop(moment: Moment) -> None:
            if moment is Moment.DURABLE:
                stopping.set()

        reader = ReportedEvents(
            office.settings, office.broker, office.database, lambda: office.now_ms, stop
        )
        await reader.run(stopping)
        async with office.database.reading() as connection:
            return {one.subject: one.event for one in await events(connection) if one.subject}

    return office.do(once())


def test_what_was_taken_back_stays_so_in_an_office_that_is_rebuilt(office: SmallOffice) -> None:
    report(office, "wrong-one", ANA)
    report(office, "right-one", BEN)
    found = read(office)
    assert found.keys() == {ANA, BEN}
    memory = TakenBackEvents(office.database.file, lambda: office.now_ms)
    office.do(office.registry.take_back_event(found[ANA], memory.remember))
    office.beat()
    office.lose()

    office.rebuild()

    assert office.rows("SELECT * FROM event_places") == []
    assert read(office).keys() == {BEN}
