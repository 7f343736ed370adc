"""``roadfade device enrol | pair | unpair | retire | revoke | certificates``.

In: a dongle's id, typed by a person or a script, and its request. Out: serial numbers, which are
random, and row ids; no identifier is printed but in the certificate itself, which is the device's.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from roadfade.commands.office_desk import desk_of
from roadfade.terminal.answers import usage
from roadfade.terminal.arguments import AsJson, instant
from roadfade.terminal.arguments import role as typed_role
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import Role

SERIAL_BITS_MAX: Final = 160
DeviceWord = Annotated[str, typer.Argument(help="Opaque id of the dongle.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait until the change is published.")
]


def serial_number(text: str) -> int:
    """A serial number in hexadecimal, as `device certificates` and OpenSSL write it."""
    try:
        number = int(text.replace(":", ""), 16)
    except ValueError:
        number = 0
    if not 0 < number < 1 << SERIAL_BITS_MAX:
        msg = "a serial number is written in hexadecimal, as `device certificates` lists it"
        raise typer.BadParameter(msg)
    return number


def enrol(
    ctx: typer.Context,
    *,
    device: DeviceWord,
    csr: Annotated[
        Path, typer.Option("--csr", readable=False, help="The device's request, PEM or DER.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the certificate goes; else it is printed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a request of a registered dongle, so that it may come in at the gateway.

    Only the request's key is believed; the name is the id given here. The certificates that the
    dongle has stay good, so that it can go over to the new one when it likes.
    """
    from roadfade.commands.device_desk import enrol_device  # noqa: PLC0415  # it loads cryptography

    enrol_device(desk_of(ctx), DeviceId(device), csr, out, as_json=as_json)


def pair(
    ctx: typer.Context,
    *,
    device: DeviceWord,
    subject: Annotated[str, typer.Argument(help="Opaque id of the person.")],
    role: Annotated[
        Role | None,
        typer.Option(
            "--role",
            parser=typed_role,
            metavar="ROLE",
            help="What the person is to the vehicle, as driver; default: not confirmed.",
        ),
    ] = None,
    from_: Annotated[
        int | None, typer.Option("--from", parser=instant, metavar="INSTANT", help="Default: now.")
    ] = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """Link a registered dongle to a person from an instant on.

    As `roadfade register`, but a dongle that is not registered is refused.
    """
    desk = desk_of(ctx)
    from_ms = desk.at(from_)
    desk.run(
        lambda office: office.link(DeviceId(device), SubjectId(subject), from_ms, None, role),
        done="paired",
        wait_s=wait,
        as_json=as_json,
    )


def unpair(
    ctx: typer.Context,
    *,
    device: DeviceWord,
    at: Annotated[
        int | None, typer.Option("--at", parser=instant, metavar="INSTANT", help="Default: now.")
    ] = None,
    as_json: AsJson = False,
    wait: Wait = 0,
) -> None:
    """End the dongle's link at an instant, as `roadfade unregister` does."""
    desk = desk_of(ctx)
    desk.run(
        lambda office: office.close_link(DeviceId(device), desk.at(at), desk.now_ms()),
        done="unpaired",
        wait_s=wait,
        as_json=as_json,
    )


def retire(ctx: typer.Context, *, device: DeviceWord, as_json: AsJson = False) -> None:
    """Revoke every certificate of a dongle, end its link now, and give it no other.

    What it recorded before stays. It cannot be undone: a dongle that comes back gets a new id.
    """
    from roadfade.commands.device_desk import retire_device  # noqa: PLC0415  # as above

    retire_device(desk_of(ctx), DeviceId(device), as_json=as_json)


def revoke(
    ctx: typer.Context,
    *,
    serial: Annotated[
        int | None,
        typer.Option(
            "--serial",
            parser=serial_number,
            metavar="HEX",
            help="One certificate, by its serial number.",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="Every certificate of this dongle.")
    ] = None,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Also a serial number that is not on record."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Revoke certificates: gateways close to them within their `crl_reload_s`."""
    from roadfade.commands.device_desk import revoke_certificates  # noqa: PLC0415  # as above

    if (serial is None) == (device is None):
        usage("name what to revoke: --serial of one certificate, or --device for all of a dongle")
    revoke_certificates(
        desk_of(ctx),
        serial,
        None if device is None else DeviceId(device),
        unknown=unknown,
        as_json=as_json,
    )


def certificates(ctx: typer.Context, *, device: DeviceWord, as_json: AsJson = False) -> None:
    """List a dongle's certificates that are on record: until a day after they expire."""
    from roadfade.commands.device_desk import list_certificates  # noqa: PLC0415  # as above

    list_certificates(desk_of(ctx), DeviceId(device), as_json=as_json)
