"""What each step of a request writes. Every function runs in the caller's transaction.

Out: the receipts of what was done, for the caller to issue in that same transaction.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.on_record import Found
from office.erasure.receipt_chain import What, opening
from office.erasure.receipts import Draft
from office.erasure.saga import State, Step
from office.erasure.searching import Search
from office.registry.consents import delete_consents
from office.registry.erasure_requests import forget_in_requests
from office.registry.events import forget_events
from office.registry.held import forget_held, holds_over, note_held
from office.registry.links import delete_link
from office.registry.suppression import forget_suppressions
from office.registry.told_recipients import note_recipients
from office.store.changes import ControlChange, announce, last_sequence
from office.store.erasure_tables import (
    ERASE_ANSWERS,
    ERASE_COMMANDS,
    ERASE_STEPS,
    ERASURES,
)
from office.store.tables import LINKS
from telemetry.identity import SubjectId
from telemetry.instants import format_instant
from telemetry.topics import EVENTS_REPORTED, erase_topic
from telemetry.wire.erasure import EraseCommand, encode_command

CONTROL_COPY: Final = "control topics"
"""The copy of links and consents that compaction ends."""
NO_BACKUP: Final = "no backup is registered"
"""What D3 says if the settings name no place of backups: nobody knows whether there are any."""
HELD_BACK: Final = "a legal hold keeps a sealed copy until it is released"
"""What D3 says while one does."""
NEEDLESS: Final = (
    "nothing was left for it to remove: another request had asked for all of it before"
)
"""What a request says that was closed before it took effect."""


def d3_in_words(d3_ms: int | None, *, held: bool) -> str:
    """When no backup holds it any more; or that none is registered, or a hold keeps a copy."""
    if held:
        return HELD_BACK
    return NO_BACKUP if d3_ms is None else format_instant(d3_ms)


class At(NamedTuple):
    """A request within a transaction."""

    connection: AsyncConnection
    found: Found
    now_ms: int
    control_ms: int
    """A deleted row of a control topic is in no file of the broker after this."""
    events_ms: int
    """A reported event is in no file of the broker after this."""
    backups_end_ms: int | None = None
    """When the last backup there is ends; None: none is registered."""

    @property
    def erasure(self) -> str:
        """The request's number."""
        return self.found.standing.erasure

    def draft(self, what: What, **more: Any) -> Draft:
        """A receipt of this request."""
        return {"erasure": self.erasure, "what": what, **more}

    async def put(self, **values: Any) -> None:
        """Set columns of the request; it is looked at again at once."""
        one = ERASURES.c.erasure == self.erasure
        await self.connection.execute(update(ERASURES).where(one).values(look_ms=0, **values))


async def carry_out(step: Step, at: At, searched: Search, scrubbed: Sequence[str]) -> list[Draft]:
    """Write what a step does; receipts of it."""
    match step:
        case Step.COMMAND | Step.COMPLETE:
            work = _command if step is Step.COMMAND else _complete
            return await work(at, searched)
        case Step.SEE_PUBLISHED:
            await at.put(published_ms=at.now_ms)
        case Step.SCRUB:
            some = ERASURES.c.erasure.in_(scrubbed)
            await at.connection.execute(update(ERASURES).where(some).values(unscrubbed=False))
        case Step.ATTEST | Step.END_COPIES | Step.UNLINK | Step.FORGET | Step.CONFIRM | Step.CLOSE:
            return await _ALONE[step](at)
        case _:
            assert_never(step)
    return []


async def _command(at: At, searched: Search) -> list[Draft]:
    row = at.found.row
    await _send(at, searched.selected.commands)
    await note_recipients(at.connection, at.erasure, searched.outside, at.now_ms)
    sequence = await last_sequence(at.connection)
    await at.put(state=State.COMMANDED, sequence=sequence, published_ms=None)
    if row.nonce is None or row.subject is None:
        return [at.draft("asked", kind=row.kind)]
    opens = opening(row.nonce, at.erasure, row.subject)
    return [at.draft("asked", kind=row.kind, opening=opens)]


async def _complete(at: At, searched: Search) -> list[Draft]:
    await _send(at, searched.selected.commands)
    if searched.unreachable:
        await at.put()
        return []
    await _await_copies(at, searched.bounds_ms.items())
    await at.put(state=State.SUPPRESSED, d1_ms=at.now_ms)
    drafts = [at.draft("denied", d1_ms=at.now_ms)]
    if lost := len(searched.selected.unlocatable):
        drafts.append(at.draft("unlocatable", located_before=lost))
    return drafts


async def _send(at: At, commands: Sequence[EraseCommand]) -> None:
    """Queue commands for publication, and remember them until their life ends."""
    if not commands:
        return
    rows, changes = [], []
    for one in commands:
        topic, value = erase_topic(one.output), encode_command(one)
        row = {"command": one.command, "erasure": at.erasure, "output": one.output}
        rows.append(row | {"topic": topic, "value": value})
        changes.append(ControlChange(topic, one.command, value))
    await at.connection.execute(insert(ERASE_COMMANDS), rows)
    await announce(at.connection, changes)
    before_ms = at.found.standing.until_ms or 0
    await at.put(until_ms=max(before_ms, *(one.until_ms for one in commands)))


async def _await_copies(at: At, bounds_ms: Iterable[tuple[str, int]]) -> None:
    rows = [
        {"erasure": at.erasure, "copy": copy, "due_ms": at.now_ms + bound_ms}
        for copy, bound_ms in sorted(bounds_ms)
    ]
    if rows:
        await at.connection.execute(insert(ERASE_STEPS), rows)


async def _attest(at: At) -> list[Draft]:
    """A receipt for each answer of each store."""
    drafts = await _erased(at)
    await at.put(state=State.ERASED)
    return drafts


async def _erased(at: At, *, late: bool = False) -> list[Draft]:
    """A receipt for each answer; ``late``: only for those that came when others had theirs."""
    commands = at.found.standing.commands
    query = select(ERASE_ANSWERS).join(
        ERASE_COMMANDS, ERASE_COMMANDS.c.command == ERASE_ANSWERS.c.command
    )
    query = query.where(ERASE_COMMANDS.c.erasure == at.erasure)
    if late:
        query = query.where(ERASE_ANSWERS.c.late)
    answers = (await at.connection.execute(query)).all()
    return [
        at.draft(
            "erased",
            copy=one.store,
            output=commands[one.command],
            located_before=one.located_before,
            located_after=one.located_after,
            digest=one.digest,
            done_ms=one.at_ms,
        )
        for one in sorted(answers, key=lambda one: (commands[one.command], one.store, one.command))
    ]


async def _end_copies(at: At) -> list[Draft]:
    copies = at.found.standing.copies
    due = sorted(copy for copy, due_ms in copies.items() if due_ms <= at.now_ms)
    ended = (ERASE_STEPS.c.erasure == at.erasure) & ERASE_STEPS.c.copy.in_(due)
    await at.connection.execute(update(ERASE_STEPS).where(ended).values(ended_ms=at.now_ms))
    if at.found.standing.state is State.ERASED and len(due) == len(copies):
        await at.put(state=State.BOUND)
    else:
        await at.put()
    return [at.draft("ended", copy=copy, done_ms=copies[copy]) for copy in due]


async def _unlink(at: At) -> list[Draft]:
    """Delete links, consents, events: from then on nothing leads to the person any more."""
    subject = SubjectId(at.found.row.subject or "")
    links = list(
        await at.connection.scalars(select(LINKS.c.link).where(LINKS.c.subject == subject))
    )
    for link in links:
        await delete_link(at.connection, link)
    rows = len(links) + await delete_consents(at.connection, subject)
    rows += await forget_events(at.connection, subject)
    copies = [(CONTROL_COPY, at.control_ms), (EVENTS_REPORTED, at.events_ms)]
    await _await_copies(at, copies)
    sequence = await last_sequence(at.connection)
    await at.put(state=State.UNLINKED, sequence=sequence, published_ms=None, unscrubbed=True)
    return [at.draft("unlinked", copy="office", located_before=rows)]


async def _forget(at: At) -> list[Draft]:
    """Take the person out of all their requests, this one and others."""
    subject = SubjectId(at.found.row.subject or "")
    await forget_suppressions(at.connection, subject)
    await forget_held(at.connection, subject)
    await forget_in_requests(at.connection, subject, at.now_ms)
    await at.put(state=State.FORGOTTEN)
    return []


async def _confirm(at: At) -> list[Draft]:
    """D2; and D3, which is a date if backups are registered: then the last of them ends."""
    holds = await holds_over(at.connection, at.erasure)
    await note_held(at.connection, at.erasure, holds)
    ends_ms = at.backups_end_ms
    d3_ms = None if ends_ms is None else max(ends_ms, at.now_ms)
    await at.put(state=State.GONE, d2_ms=at.now_ms, d3_ms=d3_ms)
    d1_ms, d3 = at.found.standing.d1_ms, d3_in_words(d3_ms, held=bool(holds))
    return [
        *(at.draft("held", copy=f"hold {hold}") for hold in holds),
        at.draft("gone", d1_ms=d1_ms, d2_ms=at.now_ms, d3=d3),
    ]


async def _close(at: At) -> list[Draft]:
    """Take its commands back; what they named is in no file of the office after the next scrub."""
    commands = sorted(at.found.standing.commands.items())
    taken_back = [ControlChange(erase_topic(output), one, None) for one, output in commands]
    drafts = await _erased(at, late=True)  # of stores that came since the others were attested
    await announce(at.connection, taken_back)
    theirs = select(ERASE_COMMANDS.c.command).where(ERASE_COMMANDS.c.erasure == at.erasure)
    for table, which in (
        (ERASE_ANSWERS, ERASE_ANSWERS.c.command.in_(theirs)),
        (ERASE_COMMANDS, ERASE_COMMANDS.c.erasure == at.erasure),
    ):
        await at.connection.execute(delete(table).where(which))
    await at.put(state=State.CLOSED, unscrubbed=True)
    return [*drafts, at.draft("closed")]


_ALONE: Final[Mapping[Step, Callable[[At], Awaitable[list[Draft]]]]] = {
    Step.ATTEST: _attest,
    Step.END_COPIES: _end_copies,
    Step.UNLINK: _unlink,
    Step.FORGET: _forget,
    Step.CONFIRM: _confirm,
    Step.CLOSE: _close,
}
