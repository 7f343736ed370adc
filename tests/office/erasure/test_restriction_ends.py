"""What was withheld of an erased interval is forgotten once no upload of it could be kept."""

from office.erasure.link_ends import scrub_if_needed
from office.erasure.restriction_ends import due_ms, due_restrictions, forget_restrictions
from office.registry.erasure_requests import NewErasure
from telemetry.instants import DAY_MS
from tests.office.erasure.conftest import ANA, BEN, NOW_MS, Office
from tests.office.test_forgetting import bytes_of
from tests.support.plans import PLAN

REPLAY_MS = 10 * DAY_MS


async def turn(office: Office, now_ms: int) -> int:
    due = await due_restrictions(office.database, [PLAN], REPLAY_MS, now_ms)
    return await forget_restrictions(office.database, due)


async def test_a_restriction_of_an_interval_goes_with_its_last_row(office: Office) -> None:
    until_ms = NOW_MS - DAY_MS
    part = NewErasure("erase", ANA, "asked", NOW_MS - 3 * DAY_MS, until_ms)
    asked = await office.ask(part)
    last_ms = due_ms([PLAN], REPLAY_MS, until_ms)
    assert last_ms is not None
    # A year and more: what the plan keeps longest, and what may be read again.
    assert last_ms > until_ms + 365 * DAY_MS + REPLAY_MS
    assert await turn(office, last_ms) == 0, "it is not commanded yet"
    await office.run(asked.erasure)
    assert await turn(office, last_ms - 1) == 0
    assert await turn(office, last_ms) == 1
    await scrub_if_needed(office.database)
    await office.outbox.drain(office.topics.publish)
    assert office.topics.records[-1].value is None


async def test_who_objects_or_is_forgotten_is_kept_back_without_an_end(office: Office) -> None:
    lifted = await office.registry.object_to(BEN, "research", None, NOW_MS - 5 * DAY_MS)
    await office.registry.lift(lifted, NOW_MS - DAY_MS)
    await office.ask(NewErasure("erase", ANA, "asked"))
    await office.turn()
    assert await turn(office, NOW_MS + 100_000 * DAY_MS) == 0
    assert BEN.encode() in bytes_of(office.folder)
