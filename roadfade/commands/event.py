"""``roadfade event record | list | take-back``: what happened that ends lives.

In: a kind of event, an instant, and the opaque id of a person or a device; or a file of them. Out:
row ids and days. No identifier is printed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roadfade.commands.event_file import read_events
from roadfade.commands.office_desk import desk_of
from roadfade.terminal.answers import print_json, usage
from roadfade.terminal.arguments import AsJson, instant
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from office.registry.events import RecordedEvent
    from office.store.database import Database

NONE: Final = "no event is on record: `roadfade event record` puts one there"
Person = Annotated[str | None, typer.Option("--subject", help="Opaque id of the person.")]
Dongle = Annotated[str | None, typer.Option("--device", help="Opaque id of the dongle.")]
At = Annotated[
    int | None, typer.Option("--at", parser=instant, metavar="INSTANT", help="Default: now.")
]


def record(
    ctx: typer.Context,
    *,
    kind: Annotated[
        str | None, typer.Argument(help="The event as the policy names it: contract_end, …")
    ] = None,
    subject: Person = None,
    device: Dongle = None,
    at: At = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="Many: JSON lines of kind, at, and subject or device. A wrong one stops all.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record what ends lives: of a person (a contract's end) or a device (it is retired).

    What the policy keeps for a time after the event goes when that time is over.
    """
    from office.registry.events import NewEvent  # noqa: PLC0415  # the database toolkit is heavy

    desk = desk_of(ctx)
    if file is not None:
        if (kind, subject, device, at) != (None, None, None, None):
            usage("--file says all that is to be recorded: give nothing beside it")
        read = read_events(file)
        wanted = [NewEvent(one.kind, one.at_ms, one.subject, one.device) for one in read]
    else:
        if kind is None:
            usage("name an event, as in `roadfade event record contract_end --subject …`")
        person = None if subject is None else SubjectId(subject)
        wanted = [NewEvent(kind, desk.at(at), person, None if device is None else DeviceId(device))]
    now_ms = desk.now_ms()
    desk.run(
        lambda office: office.record_events(wanted, now_ms),
        done="recorded",
        wait_s=0,
        as_json=as_json,
    )


def list_events(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List events by their rows: what, when, and whether anything was deleted because of it."""
    from office.registry import events  # noqa: PLC0415  # as above

    async def work(
        database: "Database",
    ) -> "tuple[list[RecordedEvent], Mapping[str, set[tuple[str, str]]]]":
        async with database.reading() as connection:
            return await events.events(connection), await events.carried_out(connection)

    found, done = desk_of(ctx).on_database(work)
    rows = [_told(one, done.get(one.event, set())) for one in found]
    if as_json:
        print_json({"events": rows})
        return
    for row in rows:
        ends = f"{len(row['ends'])} ends carried out" if row["ends"] else "nothing deleted yet"
        by = f"by the {row['origin']}"
        typer.echo(f"{row['event']}  {row['kind']}  {row['at']}  of a {row['of']}  {by}  {ends}")
    if not rows:
        typer.echo(NONE)


def _told(one: "RecordedEvent", done: set[tuple[str, str]]) -> dict[str, Any]:
    return {
        "event": one.event,
        "kind": one.kind,
        "at": format_instant(one.at_ms),
        "recorded": format_instant(one.recorded_ms),
        "of": "person" if one.device is None else "device",
        "origin": one.origin,
        "ends": [{"output": output, "lane": lane} for output, lane in sorted(done)],
    }


def take_back(
    ctx: typer.Context,
    *,
    event: Annotated[str, typer.Argument(help="The event's row id, as `event list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Delete an event that was recorded by mistake, before anything is deleted because of it."""
    from office.replay_memory.taken_back import TakenBackEvents  # noqa: PLC0415  # heavy

    desk = desk_of(ctx)
    memory = TakenBackEvents(desk.database, desk.now_ms)
    desk.run(
        lambda office: office.take_back_event(event, memory.remember),
        done="deleted",
        wait_s=0,
        as_json=as_json,
    )
