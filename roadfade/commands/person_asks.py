"""``roadfade person erase | requests``: readings of a person are to go, and how far that is.

Asking is one transaction: from then on workers keep the readings out, and the office process has
stores remove what lies there. Exit 0: asked, or, with --wait, removed from every store. 1: refused,
or not removed in time; it goes on all the same.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Final

import typer

from office.erasure.of_person import of_person
from office.erasure.on_record import one_of, surroundings
from office.erasure.overview import Overview, of_subject
from office.erasure.saga import State, answers_awaited
from office.erasure.steps import HELD_BACK, NEEDLESS
from office.registry.erasure_requests import Asked, NewErasure, ask
from office.registry.restrictions import objections_of
from office.registry.told_recipients import ToTell, recipients_of
from office.store.database import Database
from roadfade.clock import judging_clock
from roadfade.commands.office_desk import OfficeDesk, desk_of
from roadfade.commands.person_reads import require_purposes
from roadfade.commands.person_tells import (
    facts_of,
    say_to_notify,
    to_notify,
    told_facts,
    told_line,
)
from roadfade.person.asking import versions
from roadfade.person.scope import Scope
from roadfade.refusal import Refusal
from roadfade.terminal.answers import FAILS, print_json, settings
from telemetry.identity import SubjectId
from telemetry.instants import SECOND_MS, format_instant

Recipients = dict[str, list[ToTell]]
"""By the number of a request, or the row of an objection."""
LOOK_EVERY_S: Final = 0.2
IN_STORES: Final = (State.COMMANDED, State.SUPPRESSED)
"""While a request is in one of these, some store may not have answered."""
NOT_YET: Final = (
    "asked, but not every store has removed it yet: see that the office and the sink run "
    "(`roadfade status`); it goes on by itself (`roadfade person requests`), do not ask again"
)
MEANT: Final = "This cannot be taken back. Remove the readings from every copy?"
NOT_ASKED: Final = (
    "nobody can be asked here whether it is meant: look with --dry-run, then say --yes"
)
NONE: Final = "nothing was asked to be removed of that person, or they are forgotten"


def erase_person(
    ctx: typer.Context, scope: Scope, *, yes: bool, wait_s: float, as_json: bool
) -> None:
    """Ask, and wait if told so; exit 2 if no version of the policy had such a purpose.

    Refusal if nobody said that it is meant.
    """
    if scope.purposes:
        plans, _ = versions(settings(), judging_clock(settings().fixed_now_ms)())
        require_purposes(scope, plans)
    if not yes:
        if not sys.stdin.isatty():
            raise Refusal(NOT_ASKED)
        typer.confirm(MEANT, abort=True)
    desk = desk_of(ctx)
    asked = desk.on_database(lambda database: _ask(database, scope, desk.now_ms()))
    found = to_notify(desk, scope.subject, scope.purposes)
    removed = wait_s > 0 and asyncio.run(_removed(desk, asked.erasure, wait_s))
    nonce = None if asked.nonce is None else asked.nonce.hex()
    if as_json:
        facts = {
            "erasure": asked.erasure,
            "for_the_person": nonce,
            "to_notify": facts_of(found),
        }
        print_json(facts | {"removed": removed} if wait_s else facts)
    else:
        typer.echo(f"asked {asked.erasure}")
        if nonce is not None:
            typer.echo(f"for the person alone, to show that receipts of it are theirs: {nonce}")
        say_to_notify(found)
    if wait_s and not removed:
        typer.echo(NOT_YET, err=True)
        raise typer.Exit(FAILS)


async def _ask(database: Database, scope: Scope, now_ms: int) -> Asked:
    person = await of_person(database, scope.subject, scope.device)
    links = None if scope.device is None else [link.link for link in person.links]
    new = NewErasure(
        "erase",
        scope.subject,
        "asked",
        scope.from_ms,
        scope.to_ms,
        links,
        sorted(scope.purposes) or None,
    )
    async with database.writing() as connection:
        return await ask(connection, new, now_ms)


async def _removed(desk: OfficeDesk, erasure: str, wait_s: float) -> bool:
    """Whether every store has removed what was commanded so far, in time.

    What a worker still decides by an older view is commanded and refused after that.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    async with Database.opened(desk.database) as database:
        while await _in_stores(database, erasure, desk.now_ms()):
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
    return True


async def _in_stores(database: Database, erasure: str, now_ms: int) -> bool:
    """Whether a store may have rows of what was commanded so far."""
    async with database.reading() as connection:
        standing = (await one_of(connection, erasure)).standing
        around = await surroundings(connection, settings().view_age_s_max * SECOND_MS, now_ms)
    if standing.state is State.ASKED:
        return True
    return standing.state in IN_STORES and answers_awaited(standing, around) is not None


def list_requests(ctx: typer.Context, subject: str, *, as_json: bool) -> None:
    """Say how far each of a person's requests is."""
    desk = desk_of(ctx)
    view_ms = settings().view_age_s_max * SECOND_MS

    async def work(database: Database) -> tuple[list[Overview], Recipients]:
        async with database.reading() as connection:
            found = await of_subject(connection, SubjectId(subject), view_ms, desk.now_ms())
            stops = await objections_of(connection, SubjectId(subject))
            rows = [one.erasure for one in found] + stops
            recipients: Recipients = {}
            for one in await recipients_of(connection, rows):
                recipients.setdefault(one.request, []).append(one)
        return found, recipients

    found, recipients = desk.on_database(work)
    stops = sorted(recipients.keys() - {one.erasure for one in found})
    if as_json:
        listed = [
            _told(one)
            | {"recipients": [told_facts(each) for each in recipients.get(one.erasure, ())]}
            for one in found
        ]
        objections = [
            {"restriction": row, "recipients": [told_facts(each) for each in recipients[row]]}
            for row in stops
        ]
        print_json({"requests": listed, "objections": objections})
        return
    for line in _lines(found, recipients):
        typer.echo(line)
    for row in stops:
        typer.echo("\n".join([f"objection {row}", *map(told_line, recipients[row])]))
    if not found and not stops:
        typer.echo(NONE)


def _lines(found: Sequence[Overview], recipients: Recipients) -> list[str]:
    lines = []
    for one in found:
        lines.append(f"{one.erasure}  {one.reason}  {one.state}  {format_instant(one.asked_ms)}")
        if one.held:
            lines.append(f"  {HELD_BACK}")
        if one.needless:
            lines.append(f"  {NEEDLESS}")
        if one.waits_for is not None:
            until_ms = one.waits_for.until_ms
            until = "" if until_ms is None else f" (until {format_instant(until_ms)})"
            outputs = ", ".join(one.waits_for.outputs)
            lines.append(f"  waits: {one.waits_for.why}{until}{': ' if outputs else ''}{outputs}")
        lines += map(told_line, recipients.get(one.erasure, ()))
    return lines


def _told(one: Overview) -> dict[str, Any]:
    wait = one.waits_for
    return {
        "erasure": one.erasure,
        "kind": one.kind,
        "reason": one.reason,
        "state": str(one.state),
        "whole_person": one.whole,
        "asked": format_instant(one.asked_ms),
        "from": _instant(one.from_ms),
        "to": _instant(one.to_ms),
        "purposes": None if one.purposes is None else list(one.purposes),
        "denied": _instant(one.d1_ms),
        "purged": _instant(one.d2_ms),
        "held": one.held,
        "needless": one.needless,
        "backups": one.d3,
        "refused_until": _instant(one.until_ms),
        "copies_end": {copy: format_instant(at_ms) for copy, at_ms in one.copies.items()},
        "waits_for": None if wait is None else wait.why,
        "waits_until": None if wait is None else _instant(wait.until_ms),
    }


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_instant(at_ms)
