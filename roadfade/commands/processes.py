"""Commands that are processes, or keep their topics: their arguments and their help.

Each is imported when asked for, since clients and engines are heavy.
"""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from office.errors import OfficeError
from roadfade.processes.signals import on_stop
from roadfade.refusal import Refusal
from roadfade.terminal.answers import FAILS, print_json, settings
from roadfade.terminal.arguments import AsJson, duration_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from roadfade.logs.process_log import Named
    from roadfade.settings import Settings


def as_process(role: str, main: "Callable[[Settings, Named], None]") -> None:
    """Run a process with its log; how it ends, a refusal included, is the log's last line."""
    from roadfade.logs.process_log import process_log  # noqa: PLC0415  # no command needs it

    current = settings()
    with process_log(current, role, (Refusal, OfficeError)) as named:
        main(current, named)


def worker() -> None:
    """Process raw telemetry. Run it several times to scale."""
    from roadfade.processes.worker import process  # noqa: PLC0415  # Faust is heavy, and only used here

    as_process("worker", process.main)


def sink() -> None:
    """Keep purpose topics in the lake."""
    from roadfade.processes.sink import process as sink_process  # noqa: PLC0415  # DuckDB is heavy

    as_process("sink", sink_process.main)


def sweep(
    *,
    once: Annotated[bool, typer.Option("--once", help="Sweep once and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what has expired from the lake."""
    from roadfade.processes.sweep import process as sweep_process  # noqa: PLC0415  # DuckDB is heavy

    if once:
        _sweep_once(settings(), as_json=as_json)
        return
    stopping = threading.Event()
    on_stop(stopping.set)
    as_process("sweep", lambda current, named: sweep_process.main(current, named, stopping))


def gateway() -> None:
    """Take what devices bring over HTTPS and MQTT."""
    from roadfade.processes.gateway import process as gateway_process  # noqa: PLC0415  # aiohttp is heavy

    as_process("gateway", gateway_process.main)


def why_closed(folder: Path) -> str | None:
    """Why nothing can be said of what is in a folder; None if it can be read, or is not there."""
    try:
        os.scandir(folder).close()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror
    return None


def _sweep_once(current: "Settings", *, as_json: bool) -> None:
    from roadfade.in_force.broker import connection_of  # noqa: PLC0415  # so is Kafka's client
    from roadfade.processes.sweep.once import once  # noqa: PLC0415  # DuckDB is heavy

    closed = why_closed(current.lake_dir)
    swept, restated, account, judged = once(current, connection_of(current))
    moved = None if restated is None else sum(restated.moved.values())
    removed = None if restated is None else sum(restated.removed.values())
    wrong = [f"{one.place} could not be removed ({one.why})" for one in swept.left]
    if closed is not None:
        wrong.append(
            f"{current.lake_dir} cannot be looked into ({closed}), so what is due there was not "
            "removed: allow this user to read and write it"
        )
    if judged.ahead_of:
        wrong.append(
            f"this machine's clock is ahead of {' and '.join(judged.ahead_of)}: nothing that is "
            "due by it alone was removed; set it right, or leave it to `roadfade sweep`"
        )
    if judged.behind:
        wrong.append(
            f"this machine's clock is behind {' and '.join(judged.behind)}: set it right and "
            "sweep again"
        )
    if account.waiting:
        wrong.append(
            f"{account.waiting} removed readings could not be added to the ledger: see its file "
            "and the free space"
        )
    if as_json:
        body = {"files": swept.files, "readings": swept.rows, "by_output": dict(swept.by_output)}
        more = {"restated": moved, "closed": removed, "unaccounted": account.waiting}
        print_json(body | more | {"wrong": wrong})
    else:
        typer.echo(f"removed {swept.rows} readings in {swept.files} files")
        if restated is None:
            typer.echo(
                "Could not determine the policy in force; expiry dates were left unchanged.",
                err=True,
            )
        elif moved or removed:
            typer.echo(
                f"Under the policy in force, {moved} readings got a new expiry date and {removed} "
                "were deleted."
            )
        for sentence in wrong:
            typer.secho(sentence, fg="red", err=True)
    if wrong:
        raise typer.Exit(FAILS)


def office() -> None:
    """Publish registrations, links and consents to the workers."""
    from roadfade.processes.office import process as office_process  # noqa: PLC0415

    as_process("office", office_process.main)


def topics_apply(
    *,
    with_acls: Annotated[
        bool,
        typer.Option(
            "--acls",
            help="The rights on the broker, too: give what the policy's processes and readers "
            "lack, take what roadfade-… has beyond. Others' are left alone.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create missing topics, and bring drifted settings back to the policy's."""
    from roadfade.commands import topics as topics_commands  # noqa: PLC0415

    topics_commands.apply_topics_command(settings(), with_acls=with_acls, as_json=as_json)


def topics_show(*, as_json: AsJson = False) -> None:
    """Show every topic, what the policy says of it, and where the broker differs; rights, too."""
    from roadfade.commands import topics as topics_commands  # noqa: PLC0415

    topics_commands.show(settings(), as_json=as_json)


def run(
    *,
    for_: Annotated[
        float | None,
        typer.Option(
            "--for",
            parser=duration_s,
            metavar="TIME",
            help="Stop the source after this time, as 120s or 5m.",
        ),
    ] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="Write the ledger as JSON to this file.")
    ] = None,
    vehicles: Annotated[int, typer.Option(min=1, help="Simulated vehicles.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the simulated fleet.")] = 1,
    locked: Annotated[
        bool,
        typer.Option(
            "--locked",
            help="Lock the doors: TLS, a user and rights for each process, and a gateway that the "
            "fleet reaches by certificates.",
        ),
    ] = False,
) -> None:
    """Run the whole pipeline on this machine with a simulated fleet."""
    from roadfade.demo import run as process  # noqa: PLC0415

    process.main(settings(), process.Asked(for_, summary, vehicles, seed, locked))
