"""Recipients outside: who has to be told what a person asked, and ``roadfade person notified``.

Telling them is people's work: the office keeps the list, and no request waits for it.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import typer

from office.erasure.of_person import of_person
from office.registry.told_recipients import ToTell, agreed_to, all_to_tell, mark_told
from office.store.database import Database
from policy.plan.consents import Grantable
from policy.plan.outside_recipients import OutsideRecipient, outside_recipients
from roadfade.commands.office_desk import OfficeDesk, desk_of
from roadfade.person.asking import versions
from roadfade.refusal import NotReady
from roadfade.terminal.answers import print_json, settings, usage
from telemetry.identity import SubjectId
from telemetry.instants import format_instant

TO_NOTIFY: Final = "to notify"
UNKNOWN: Final = (
    "whom to notify is not known, since a version of the policy does not hold here: the office "
    "lists them once it does (`roadfade person notified`)"
)
ALL_TOLD: Final = "nobody has to be notified"
WHICH: Final = "give --request, --recipient and --by together, or none of them for a list"


def to_notify(
    desk: OfficeDesk, subject: SubjectId, purposes: Collection[str], recipient: str | None = None
) -> list[OutsideRecipient] | None:
    """Who outside may have what is asked about; None: a version does not hold here. Blocks.

    OfficeError if the office knows nobody of that id.
    """
    try:
        plans, _ = versions(settings(), desk.now_ms())
    except NotReady:
        return None

    async def work(database: Database) -> frozenset[Grantable]:
        await of_person(database, subject)
        async with database.reading() as connection:
            return await agreed_to(connection, subject)

    found = outside_recipients(plans, purposes or None, desk.on_database(work))
    return [one for one in found if recipient in (None, one.recipient)]


def facts_of(found: Sequence[OutsideRecipient] | None) -> list[dict[str, str]] | None:
    """The list as JSON values."""
    return None if found is None else [one._asdict() for one in found]


def say_to_notify(found: Sequence[OutsideRecipient] | None) -> None:
    """The list in lines."""
    for one in found or ():
        typer.echo(f"{TO_NOTIFY}: {one.recipient} ({one.purpose})")
    if found is None:
        typer.echo(UNKNOWN, err=True)


def told_facts(one: ToTell) -> dict[str, Any]:
    """A recipient of a request as JSON values."""
    done = one.told_ms is not None
    return {
        "purpose": one.purpose,
        "recipient": one.recipient,
        "state": "notified" if done else "to_notify",
        "by": one.told_by,
        "at": None if one.told_ms is None else format_instant(one.told_ms),
    }


def told_line(one: ToTell) -> str:
    """The same as a line."""
    if one.told_ms is None:
        return f"  {TO_NOTIFY}: {one.recipient} ({one.purpose})"
    return f"  notified: {one.recipient} ({one.purpose}) {format_instant(one.told_ms)}"


def notified(
    ctx: typer.Context,
    request: str | None,
    recipient: str | None,
    by: str | None,
    *,
    as_json: bool,
) -> None:
    """Put on record that a recipient was told, or list who is to be; exit 2 if it is neither."""
    desk = desk_of(ctx)
    if request is None and recipient is None and by is None:
        _list(desk, as_json=as_json)
        return
    if request is None or recipient is None or by is None:
        usage(WHICH)

    async def work(database: Database) -> list[ToTell]:
        async with database.writing() as connection:
            return await mark_told(connection, request, recipient, by, desk.now_ms())

    found = desk.on_database(work)
    if as_json:
        print_json({"request": request, "recipients": [told_facts(one) for one in found]})
    else:
        typer.echo("\n".join([f"request {request}", *map(told_line, found)]))


def _list(desk: OfficeDesk, *, as_json: bool) -> None:
    async def work(database: Database) -> list[ToTell]:
        async with database.reading() as connection:
            return await all_to_tell(connection)

    found = desk.on_database(work)
    if as_json:
        listed = [{"request": one.request, **told_facts(one)} for one in found]
        print_json({"to_notify": listed})
        return
    for one in found:
        typer.echo(f"{one.request}  {one.recipient}  {one.purpose}")
    if not found:
        typer.echo(ALL_TOLD)
