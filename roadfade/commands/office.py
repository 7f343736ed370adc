"""The office from the command line: devices, links and consents.

In: identifiers, typed by a person or a script. Out: row ids only. A refusal exits 1, a
mistyped command 2.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from roadfade.commands.office_desk import desk_of
from roadfade.terminal.answers import carry_out, print_json, settings
from roadfade.terminal.arguments import AsJson, instant
from roadfade.terminal.arguments import role as typed_role
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import Role

DeviceOption = Annotated[
    str, typer.Option("--device", help="Opaque id of the dongle; never a serial.")
]
Subject = Annotated[str, typer.Option("--subject", help="Opaque id of the person.")]
PurposeOption = Annotated[str, typer.Option("--purpose", help="Purpose, as the policy names it.")]
RecipientOption = Annotated[
    str | None, typer.Option("--recipient", help="Recipient, for a third party.")
]
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
        help="What the person is to the vehicle, as driver; default: unknown, not confirmed.",
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the change is published.")
]


def init(*, as_json: AsJson = False) -> None:
    """Make an office in the state folder: its database of devices, links and consents."""
    from office.store.database import make_office  # noqa: PLC0415  # heavy, and only used here

    file = settings().office_path
    done = "made" if asyncio.run(make_office(file)) else "there already"
    folder = str(file.parent.resolve())
    if as_json:
        print_json({"office": folder, "done": done})
    else:
        typer.echo(f"office in {folder}: {done}")


def republish(*, as_json: AsJson = False) -> None:
    """Publish every live row again, for control topics that lost some; the office sends them."""
    carry_out(lambda: _republish(settings().office_path, as_json=as_json))


def _republish(file: Path, *, as_json: bool) -> None:
    from office.outbox import Outbox  # noqa: PLC0415  # heavy, and only used here
    from office.store.database import Database  # noqa: PLC0415  # likewise

    async def queue() -> int:
        async with Database.opened(file) as database:
            return await Outbox(database).republish_all()

    rows = asyncio.run(queue())
    if as_json:
        print_json({"queued": rows})
    else:
        typer.echo(f"{rows} rows wait to be published again; `roadfade office` sends them")


def register_device(
    ctx: typer.Context,
    *,
    device: DeviceOption,
    at: At = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Make a dongle known from an instant on; what it recorded earlier is rejected."""
    desk = desk_of(ctx)
    desk.run(
        lambda office: office.register_device(DeviceId(device), desk.at(at)),
        done="registered",
        wait_s=wait,
        as_json=as_json,
    )


def register(
    ctx: typer.Context,
    *,
    device: DeviceOption,
    subject: Subject,
    role: RoleOption = None,
    from_: From = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Link a dongle to a person from an instant on, registering the dongle if needed."""
    desk = desk_of(ctx)
    desk.run(
        lambda office: office.register(DeviceId(device), SubjectId(subject), desk.at(from_), role),
        done="registered",
        wait_s=wait,
        as_json=as_json,
    )


def unregister(
    ctx: typer.Context,
    *,
    device: DeviceOption,
    at: At = None,
    empty: Annotated[
        bool,
        typer.Option(
            "--empty", help="Also if it began after --at: then nothing recorded is the person's."
        ),
    ] = False,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """End a dongle's link (sold, lent, returned); a new owner is a new link."""
    desk = desk_of(ctx)
    begun_by_ms = None if empty else desk.now_ms()
    desk.run(
        lambda office: office.close_link(DeviceId(device), desk.at(at), begun_by_ms),
        done="ended",
        wait_s=wait,
        as_json=as_json,
    )


def grant(
    ctx: typer.Context,
    *,
    subject: Subject,
    purpose: PurposeOption,
    recipient: RecipientOption = None,
    basis: Annotated[
        str | None, typer.Option("--basis", help="Needed if the purpose has several.")
    ] = None,
    notice: Annotated[
        str | None, typer.Option("--notice", help="id@version that was shown.")
    ] = None,
    from_: From = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Record that a person agreed, under a notice of the policy."""
    from office.registry.consent_choice import chosen  # noqa: PLC0415  # it compares with the policy's plan

    desk = desk_of(ctx)
    asked, offers = (purpose, basis, recipient, notice), desk.grantable()
    desk.run(
        lambda office: office.grant(SubjectId(subject), *chosen(offers, *asked), desk.at(from_)),
        done="granted",
        wait_s=wait,
        as_json=as_json,
        offers=offers,
    )


def withdraw(
    ctx: typer.Context,
    *,
    subject: Subject,
    purpose: PurposeOption,
    recipient: RecipientOption = None,
    at: At = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """End a person's consents to a purpose; without a recipient, every recipient's."""
    desk = desk_of(ctx)
    desk.run(
        lambda office: office.withdraw(SubjectId(subject), purpose, recipient, desk.at(at)),
        done="withdrawn",
        wait_s=wait,
        as_json=as_json,
    )
