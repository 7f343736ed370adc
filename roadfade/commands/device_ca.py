"""``roadfade device ca init | server-certificate``: the authority that signs for devices.

In: settings, host names. Out: files; what is secret is readable by their owner alone.
"""

from pathlib import Path
from typing import Annotated

import typer

from roadfade.commands.office_desk import desk_of
from roadfade.terminal.answers import print_json, settings, usage
from roadfade.terminal.arguments import AsJson


def init(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Make an authority in its folder (`device_ca_dir`), and an empty list of revoked certificates.

    Its key is encrypted if `device_ca_password` is set. Refused if a command signs.
    """
    from roadfade.commands.device_ca_desk import make  # noqa: PLC0415  # it loads cryptography

    current, desk = settings(), desk_of(ctx)
    if current.device_ca_command is not None:
        usage(
            f"device_ca_command signs: put its authority's certificate into {current.ca_file}, "
            "and make none here"
        )
    made = make(current, desk)
    folder = str(current.ca_dir.resolve())
    done = "made" if made else "there already"
    if as_json:
        print_json({"authority": folder, "done": done, "list": str(current.crl_path.resolve())})
    else:
        typer.echo(f"authority for devices in {folder}: {done}")


def server_certificate(
    ctx: typer.Context,
    *,
    name: Annotated[
        list[str],
        typer.Option("--name", help="Host name or IP address of the gateway; may be repeated."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The file for certificate and key; it is replaced whole.")
    ],
    days: Annotated[int, typer.Option("--days", min=1, max=397, help="How long it holds.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Make a gateway's key and certificate, which devices check by the authority's.

    A running gateway takes the new file within its `crl_reload_s`. No device's certificate can
    serve for a gateway, nor this one for a device.
    """
    from roadfade.commands.device_ca_desk import serve  # noqa: PLC0415  # as above

    serve(settings(), name, out, days, desk_of(ctx).now_ms())
    if as_json:
        print_json({"done": "made", "file": str(out.resolve())})
    else:
        typer.echo(f"certificate and key of a gateway in {out.resolve()}")
