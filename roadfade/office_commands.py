"""The office from the command line: devices, links and consents.

In: identifiers, typed by a person or a script. Out: row ids only. A refusal exits 1, a
mistyped command 2.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from roadfade.office_desk import desk_of, or_now, run_at_desk
from roadfade.typed import role as typed_role
from telemetry.control import Role
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import parse_instant

if TYPE_CHECKING:
    from office.registry import Registry


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
RoleOption = Annotated[
    Role | None,
    typer.Option(
        "--role",
        parser=typed_role,
        metavar="ROLE",
        help="What the person is to the vehicle, as driver; default: unknown, nobody confirmed.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the workers were told.")
]


def register_device(
    ctx: typer.Context, *, device: Device, at: At = None, as_json: Json = False, wait: Wait = 0
) -> None:
    """Make a dongle known from an instant on; what it recorded earlier is rejected."""
    desk = desk_of(ctx)
    since_ms = or_now(desk, at)

    async def work(registry: "Registry") -> Sequence[str]:
        return [await registry.register_device(DeviceId(device), since_ms)]

    run_at_desk(desk, work, "registered", wait, as_json=as_json)


def register(
    ctx: typer.Context,
    *,
    device: Device,
    subject: Subject,
    role: RoleOption = None,
    from_: From = None,
    as_json: Json = False,
    wait: Wait = 0,
) -> None:
    """Link a dongle to a person from an instant on, registering the dongle where needed."""
    desk = desk_of(ctx)
    from_ms = or_now(desk, from_)

    async def work(registry: "Registry") -> Sequence[str]:
        return [await registry.register(DeviceId(device), SubjectId(subject), from_ms, role)]

    run_at_desk(desk, work, "registered", wait, as_json=as_json)


def unregister(
    ctx: typer.Context, *, device: Device, at: At = None, as_json: Json = False, wait: Wait = 0
) -> None:
    """End a dongle's link (sold, lent, returned); a new owner is a new link."""
    desk = desk_of(ctx)
    at_ms = or_now(desk, at)

    async def work(registry: "Registry") -> Sequence[str]:
        return [await registry.close_link(DeviceId(device), at_ms)]

    run_at_desk(desk, work, "ended", wait, as_json=as_json)


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
    from office.grantable import chosen  # noqa: PLC0415  # it compares with the policy's plan

    desk = desk_of(ctx)
    from_ms = or_now(desk, from_)

    offered = desk.grantable()

    async def work(registry: "Registry") -> Sequence[str]:
        asked = chosen(offered, purpose, basis, recipient, notice)
        return [await registry.grant(SubjectId(subject), *asked, from_ms)]

    run_at_desk(desk, work, "granted", wait, as_json=as_json, grantable=offered)


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
    desk = desk_of(ctx)
    at_ms = or_now(desk, at)

    async def work(registry: "Registry") -> Sequence[str]:
        return await registry.withdraw(SubjectId(subject), purpose, recipient, at_ms)

    run_at_desk(desk, work, "withdrawn", wait, as_json=as_json)
