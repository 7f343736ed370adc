"""Commands for drives, gateways, analysts and operators: their arguments and their help.

Each does its work in a module of its own that is imported when asked for, since clients,
engines and decoders are heavy.
"""

from pathlib import Path
from typing import Annotated

import typer

from roadfade.terminal.answers import settings, usage
from roadfade.terminal.arguments import AsJson, Bus, KeepTime, ZoneName, duration_s, zone
from telemetry.identity import DeviceId

For = Annotated[
    float | None,
    typer.Option(
        "--for", parser=duration_s, metavar="TIME", help="Stop after this time, as 60s or 5m."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="Opaque id of the dongle, registered before.")]


def replay(
    file: Annotated[Path, typer.Argument(help="A candump, ASC, BLF, TRC or MF4 capture.")],
    *,
    dbc: Annotated[
        Path | None, typer.Option(help="CAN database that decodes it (DBC, ARXML, KCD, SYM).")
    ] = None,
    map_name: Annotated[
        str | None, typer.Option("--map", help="Map to signals: a file, or a shipped map's name.")
    ] = None,
    device: DeviceOption = "replay",
    keep_time: KeepTime = False,
    zone_name: ZoneName = "UTC",
    bus: Bus = None,
    as_json: AsJson = False,
) -> None:
    """Publish a recorded drive, every frame accounted for; without --dbc, count its frames."""
    from roadfade.commands.vehicles import replay as replay_command  # noqa: PLC0415
    from roadfade.commands.vehicles.recorded import RecordedDrive  # noqa: PLC0415

    if (dbc is None) != (map_name is None):
        usage("a database decodes and a map names: give both --dbc and --map, or neither")

    of_zone = zone(zone_name)
    if dbc is None or map_name is None:
        replay_command.count_frames(file, of_zone, as_json=as_json)
        return
    known = settings()
    held_mib_max = known.replay_held_mib_max
    drive = RecordedDrive(file, dbc, map_name, of_zone, keep_time, bus, held_mib_max)
    replay_command.main(known, drive, DeviceId(device), as_json=as_json)


def obd(
    *,
    port: Annotated[str, typer.Option(help="The adapter's port, as /dev/ttyUSB0.")],
    device: DeviceOption = "obd",
    baud: Annotated[int, typer.Option(min=1, help="Its speed in baud.")] = 38_400,
    period: Annotated[float, typer.Option(min=0.0, help="Seconds between two rounds.")] = 1.0,
    for_: For = None,
    as_json: AsJson = False,
) -> None:
    """Publish what an OBD-II adapter reads, until Ctrl-C. Asks only for what is collected."""
    from ingest.obd.session import Adapter  # noqa: PLC0415
    from roadfade.commands.vehicles import obd as obd_command  # noqa: PLC0415

    adapter = Adapter(port, baud, period)
    obd_command.main(settings(), adapter, DeviceId(device), for_, as_json=as_json)


def publish(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="An envelope, or NDJSON; - is input.")
    ],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Publish nothing: say what would be rejected and why.")
    ] = False,
    as_known: Annotated[
        bool, typer.Option("--as-known", help="Check as if registered and consented to all.")
    ] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", help="What another system sends, as the gateway takes it: traccar …"
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="With --format: opaque id of the dongle whose message it is.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish envelopes, or check them. Exit code 1 if something is or would be rejected."""
    from roadfade.clock import wall_ms  # noqa: PLC0415
    from roadfade.commands.vehicles import publish as publish_command  # noqa: PLC0415
    from roadfade.commands.vehicles import publish_check as check_command  # noqa: PLC0415
    from roadfade.commands.vehicles.foreign import Foreign  # noqa: PLC0415

    if as_known and not check:
        usage("--as-known works only with --check")
    if (format_ is None) != (device is None):
        usage(
            "a message of another system does not say whose it is: give both --format and --device"
        )
    known, foreign = settings(), None
    if format_ is not None and device is not None:
        foreign = Foreign(format_, DeviceId(device), wall_ms())
    if check:
        check_command.main(known, files, as_known=as_known, as_json=as_json, foreign=foreign)
    else:
        publish_command.main(known, files, as_json=as_json, foreign=foreign)


def simulate(
    *,
    vehicles: Annotated[int, typer.Option(min=1, max=100_000, help="How many vehicles.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed drives the same trips.")] = 1,
    for_: For = None,
    as_json: AsJson = False,
) -> None:
    """Drive a simulated fleet, enrolled with the office, until Ctrl-C."""
    from roadfade.commands.vehicles import simulate as simulate_command  # noqa: PLC0415

    simulate_command.main(settings(), vehicles, seed, for_, as_json=as_json)


def signals(
    query: Annotated[
        list[str] | None, typer.Argument(help="Words to look for, as: speed km/h.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the signals that can be sent: unit, range, and which outputs keep each."""
    from roadfade.commands.vehicles import signals as signals_command  # noqa: PLC0415

    words = " ".join(query or [])
    signals_command.main(settings(), words, as_json=as_json)


def query(
    statement: Annotated[str, typer.Argument(metavar="SELECT", help="One SELECT over readings.")],
    *,
    purpose: Annotated[str, typer.Option(help="The purpose (or output) to open.")],
    recipient: Annotated[
        str | None, typer.Option(help="Needed if the purpose has several recipients.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open one purpose for an analyst: live rows only, SELECT only."""
    from roadfade.commands import query as query_command  # noqa: PLC0415

    query_command.main(settings(), purpose, recipient, statement, csv_file, as_json=as_json)


def status(*, as_json: AsJson = False) -> None:
    """Show every process, lag, age and promise, and what is wrong and what to do."""
    from roadfade.commands import status as status_command  # noqa: PLC0415

    status_command.main(settings(), as_json=as_json)
