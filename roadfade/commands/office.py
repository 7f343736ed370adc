"""The office from the command line: devices, links and consents.

In: identifiers, typed by a person or a script. Out: row ids only. A refusal exits 1, a
mistyped command 2.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roadfade.commands.office_desk import desk_of
from roadfade.terminal.answers import FAILS, print_json, settings
from roadfade.terminal.arguments import AsJson, instant
from roadfade.terminal.arguments import role as typed_role
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import Role

if TYPE_CHECKING:
    from roadfade.processes.office.republishing import Republished
    from roadfade.settings import Settings

NOT_LOOKED_FOR: Final = (
    "rows that the office does not know were not looked for: the broker does not answer, lacks "
    "control topics, or another process publishes all the time; run this again"
)
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
ServiceOption = Annotated[
    str | None,
    typer.Option(
        "--service",
        metavar="SERVICE",
        help="As which service, as the policy's scope lists it; default: none is named.",
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the change is published.")
]


def init(*, as_json: AsJson = False) -> None:
    """Make an office in the state folder: its database of devices, links and consents.

    The routing key, by which each device keeps its raw partition, is made with it. Refused beside a
    restore or a rebuild, which bring an office of their own.
    """
    from office.store.database import make_office  # noqa: PLC0415  # heavy, and only used here
    from roadfade.processes.starting import require_no_restore  # noqa: PLC0415  # likewise
    from roadfade.raw_routing import make_routing_key  # noqa: PLC0415  # likewise

    require_no_restore(settings())
    file = settings().office_path
    done = "made" if asyncio.run(make_office(file)) else "there already"
    make_routing_key(settings().routing_key_path)
    folder = str(file.parent.resolve())
    if as_json:
        print_json({"office": folder, "done": done})
    else:
        typer.echo(f"office in {folder}: {done}")


def republish(*, as_json: AsJson = False) -> None:
    """Publish every live row again, and delete rows of others from the control topics.

    The office process sends the rows. Exit 1 if foreign rows could not be looked for.
    """
    _republish(settings(), as_json=as_json)


def _republish(settings: "Settings", *, as_json: bool) -> None:
    from office.store.database import Database  # noqa: PLC0415  # heavy, and only used here
    from roadfade.in_force.broker import connection_of  # noqa: PLC0415  # likewise
    from roadfade.processes.office.republishing import republish  # noqa: PLC0415  # likewise

    async def carry() -> "Republished":
        async with Database.opened(settings.office_path) as database:
            return await republish(database, connection_of(settings))

    done = asyncio.run(carry())
    if as_json:
        print_json(done._asdict())
    else:
        typer.echo(f"{done.queued} rows wait to be published again; `roadfade office` sends them")
    if done.foreign is None:
        typer.echo(NOT_LOOKED_FOR, err=True)
        raise typer.Exit(FAILS)
    if not as_json:
        typer.echo(f"{done.foreign} rows that the office does not know were deleted")


def register_device(
    ctx: typer.Context,
    *,
    device: DeviceOption,
    service: ServiceOption = None,
    at: At = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Make a dongle known from an instant on; what it recorded earlier is rejected.

    One that is known without a service is given one by naming its instant again.
    """
    desk = desk_of(ctx)
    desk.require_listed(service)
    desk.run(
        lambda office: office.register_device(DeviceId(device), desk.at(at), service),
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
    service: ServiceOption = None,
    from_: From = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Link a dongle to a person from an instant on, registering the dongle if needed."""
    desk = desk_of(ctx)
    desk.require_listed(service)
    desk.run(
        lambda office: office.register(
            DeviceId(device), SubjectId(subject), desk.at(from_), role, service
        ),
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
    erase: Annotated[
        bool, typer.Option("--erase", help="Remove what was recorded before, too.")
    ] = False,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """End a person's consents to a purpose; without a recipient, every recipient's.

    What rests on them and is of that instant or later is removed from every store.
    """
    desk = desk_of(ctx)
    desk.run(
        lambda office: office.withdraw(
            SubjectId(subject), purpose, recipient, desk.at(at), erase=erase, now_ms=desk.now_ms()
        ),
        done="withdrawn",
        wait_s=wait,
        as_json=as_json,
    )
