"""The office from the command line: devices, links and consents.

In: identifiers, typed by a person or a script. Out: row ids only; no identifier is ever
printed back, since terminals and job logs are kept. A refusal exits 1, a mistyped
command 2. The root command puts an ``OfficeDesk`` where these find it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from office.database import Database
from office.errors import OfficeError
from office.grantable import Grantable, chosen
from office.outbox import Outbox
from office.registry import Registry
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import parse_instant


@dataclass(frozen=True, slots=True)
class OfficeDesk:
    """What the commands need; the root command supplies it as ``ctx.obj``."""

    database: str
    """URL of the office database."""
    grantable: Callable[[], Collection[Grantable]]
    """Reads the policy; called only where a consent is given."""
    now_ms: Callable[[], int]


def instant(text: str) -> int:
    """A typed instant, in milliseconds; a usage error where it is none."""
    try:
        return parse_instant(text)
    except ValueError:
        msg = "an instant is written with a zone, as 2026-11-23T09:00:00Z"
        raise typer.BadParameter(msg) from None


Device = Annotated[str, typer.Option("--device", help="Opaque id of the dongle; never a serial.")]
Subject = Annotated[str, typer.Option("--subject", help="Opaque id of the person.")]
Purpose = Annotated[str, typer.Option("--purpose", help="Purpose, as the policy names it.")]
Recipient = Annotated[str | None, typer.Option("--recipient", help="Recipient, for a third party.")]
From = Annotated[
    int | None, typer.Option("--from", parser=instant, metavar="INSTANT", help="Default: now.")
]
At = Annotated[
    int | None, typer.Option("--at", parser=instant, metavar="INSTANT", help="Default: now.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the workers were told.")
]

device_app = typer.Typer(no_args_is_help=True, help="Dongles known to us.")
consent_app = typer.Typer(no_args_is_help=True, help="Consents, given and withdrawn.")

NOT_PUBLISHED: Final = (
    "recorded, but the workers were not told in time: see that the office process runs "
    "(roadfade status); it publishes what waits, nothing needs repeating"
)


@device_app.command("register")
def register_device(
    ctx: typer.Context, *, device: Device, at: At = None, as_json: Json = False, wait: Wait = 0
) -> None:
    """Make a dongle known from an instant on; what it recorded earlier is rejected."""
    desk = _desk(ctx)
    since_ms = _or_now(desk, at)

    async def work(registry: Registry) -> Sequence[str]:
        return [await registry.register_device(DeviceId(device), since_ms)]

    _run(desk, work, "registered", wait, as_json=as_json)


def register(
    ctx: typer.Context,
    *,
    device: Device,
    subject: Subject,
    from_: From = None,
    as_json: Json = False,
    wait: Wait = 0,
) -> None:
    """Link a dongle to a person from an instant on, registering the dongle where needed."""
    desk = _desk(ctx)
    from_ms = _or_now(desk, from_)

    async def work(registry: Registry) -> Sequence[str]:
        return [await registry.register(DeviceId(device), SubjectId(subject), from_ms)]

    _run(desk, work, "registered", wait, as_json=as_json)


def unregister(
    ctx: typer.Context, *, device: Device, at: At = None, as_json: Json = False, wait: Wait = 0
) -> None:
    """End a dongle's link (sold, lent, returned); a new owner is a new link."""
    desk = _desk(ctx)
    at_ms = _or_now(desk, at)

    async def work(registry: Registry) -> Sequence[str]:
        return [await registry.close_link(DeviceId(device), at_ms)]

    _run(desk, work, "ended", wait, as_json=as_json)


@consent_app.command("grant")
def grant(
    ctx: typer.Context,
    *,
    subject: Subject,
    purpose: Purpose,
    recipient: Recipient = None,
    basis: Annotated[
        str | None, typer.Option("--basis", help="Where a purpose asks several.")
    ] = None,
    notice: Annotated[
        str | None, typer.Option("--notice", help="id@version that was shown.")
    ] = None,
    from_: From = None,
    as_json: Json = False,
    wait: Wait = 0,
) -> None:
    """Record that a person agreed, under a notice of the policy."""
    desk = _desk(ctx)
    from_ms = _or_now(desk, from_)

    offered = desk.grantable()

    async def work(registry: Registry) -> Sequence[str]:
        asked = chosen(offered, purpose, basis, recipient, notice)
        return [await registry.grant(SubjectId(subject), *asked, from_ms)]

    _run(desk, work, "granted", wait, as_json=as_json, grantable=offered)


@consent_app.command("withdraw")
def withdraw(
    ctx: typer.Context,
    *,
    subject: Subject,
    purpose: Purpose,
    recipient: Recipient = None,
    at: At = None,
    as_json: Json = False,
    wait: Wait = 0,
) -> None:
    """End a person's consents to a purpose; without a recipient, every recipient's."""
    desk = _desk(ctx)
    at_ms = _or_now(desk, at)

    async def work(registry: Registry) -> Sequence[str]:
        return await registry.withdraw(SubjectId(subject), purpose, recipient, at_ms)

    _run(desk, work, "withdrawn", wait, as_json=as_json)


def _desk(ctx: typer.Context) -> OfficeDesk:
    desk = ctx.find_object(OfficeDesk)
    if desk is None:
        msg = "the root command supplied no OfficeDesk"
        raise RuntimeError(msg)
    return desk


def _or_now(desk: OfficeDesk, instant_ms: int | None) -> int:
    return desk.now_ms() if instant_ms is None else instant_ms


Work = Callable[[Registry], Awaitable[Sequence[str]]]


def _run(
    desk: OfficeDesk,
    work: Work,
    done: str,
    wait_s: float,
    *,
    as_json: bool,
    grantable: Collection[Grantable] = (),
) -> None:
    try:
        rows, published = asyncio.run(_work_and_wait(desk, work, wait_s, grantable))
    except OfficeError as refusal:
        _say({"refused": str(refusal)}, f"refused: {refusal}", as_json=as_json, refusal=True)
        raise typer.Exit(1) from None
    facts: dict[str, Any] = {"done": done, "rows": list(rows)}
    if wait_s:
        facts["published"] = published
    _say(facts, "\n".join(f"{done} {row}" for row in rows), as_json=as_json)
    if wait_s and not published:
        typer.echo(NOT_PUBLISHED, err=True)
        raise typer.Exit(1)


async def _work_and_wait(
    desk: OfficeDesk, work: Work, wait_s: float, grantable: Collection[Grantable]
) -> tuple[Sequence[str], bool]:
    database = await Database.open(desk.database)
    try:
        rows = await work(Registry(database, grantable))
        published = wait_s > 0 and await _told(Outbox(database), wait_s)
    finally:
        await database.close()
    return rows, published


async def _told(outbox: Outbox, wait_s: float) -> bool:
    return await outbox.wait_published(await outbox.last_sequence(), wait_s)


def _say(facts: dict[str, Any], text: str, *, as_json: bool, refusal: bool = False) -> None:
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        typer.echo(text, err=refusal)
