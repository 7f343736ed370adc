"""``roadfade office stores | retire-store``: who is asked to remove rows, and who is no more.

A store is known from its first hello on, which its sink says before it keeps a row, and every
request waits for it whose commands live. One that is gone for good
(a lake that was deleted, a machine that burnt) would be waited for for ever: retire it.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadfade.commands.office_desk import desk_of
from roadfade.refusal import Refusal
from roadfade.terminal.answers import carry_out, print_json
from roadfade.terminal.arguments import AsJson
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from office.erasure.answers import ListedStore
    from office.store.database import Database

NO_STORES = "no store is known yet: a sink says that its store is there before it keeps a row"
UNKNOWN = "no store of that name is known: list them (roadfade office stores)"


def list_stores(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List the stores that requests of erasure wait for, and those that were retired."""
    from office.erasure.answers import listed_stores  # noqa: PLC0415  # the database toolkit is heavy

    async def work(database: "Database") -> "list[ListedStore]":
        async with database.reading() as connection:
            return await listed_stores(connection)

    rows = [_told(one) for one in desk_of(ctx).on_database(work)]
    if as_json:
        print_json({"stores": rows})
        return
    for row in rows:
        since = f"since {row['since']}" if row["retired"] is None else f"retired {row['retired']}"
        typer.echo(f"{row['store']}  {row['output']}  {since}")
    if not rows:
        typer.echo(NO_STORES)


def _told(one: "ListedStore") -> dict[str, Any]:
    return {
        "store": one.store,
        "output": one.output,
        "since": format_instant(one.since_ms),
        "retired": None if one.retired_ms is None else format_instant(one.retired_ms),
    }


def retire(
    ctx: typer.Context,
    *,
    store: Annotated[str, typer.Argument(help="Its name, as `office stores` lists it.")],
    as_json: AsJson = False,
) -> None:
    """Wait for a store no more: it is gone for good, with all that it held.

    Do not retire one that still exists: requests would be closed, and receipts written, before it
    has looked for what they mean. If it says anything later, it is known again.
    """
    from office.erasure.answers import retire_store  # noqa: PLC0415  # as above

    desk = desk_of(ctx)
    now_ms = desk.now_ms()

    async def work(database: "Database") -> bool:
        async with database.writing() as connection:
            return await retire_store(connection, store, now_ms)

    def ask() -> None:
        if not desk.on_database(work):
            raise Refusal(UNKNOWN)
        if as_json:
            print_json({"done": "retired", "store": store})
        else:
            typer.echo(f"retired {store}")

    carry_out(ask)
