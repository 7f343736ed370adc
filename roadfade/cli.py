"""The command line: every command in one list, each implemented elsewhere."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadfade import commands, office_commands, policy_commands
from roadfade.clock import wall_ms
from roadfade.office_desk import OfficeDesk
from roadfade.refusal import carry_out, settings

if TYPE_CHECKING:
    from office.grantable import Offers
    from roadfade.settings import Settings

app = typer.Typer(
    name="roadfade",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Minimises and retains connected-vehicle telemetry: a privacy policy as running code.",
)
app.add_typer(policy_commands.app, name="policy")
app.add_typer(office_commands.device_app, name="device")
app.add_typer(office_commands.consent_app, name="consent")
app.command("register")(office_commands.register)
app.command("unregister")(office_commands.unregister)
topics_app = typer.Typer(no_args_is_help=True, help="Kafka topics, as the policy says.")
app.add_typer(topics_app, name="topics")
commands.add_to(app)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def root(ctx: typer.Context) -> None:
    """Put the office's desk where its commands find it; connects to nothing."""
    ctx.obj = OfficeDesk(settings().office_database, _grantable, wall_ms)


def _grantable() -> "Offers":
    from office.grantable import grantable  # noqa: PLC0415  # few commands need the policy
    from policy.limits import Limits  # noqa: PLC0415
    from roadfade.recorded import line_here  # noqa: PLC0415

    line = line_here(settings(), Limits())
    # People may agree to what the next version asks before it takes effect.
    return grantable(line.plan, *((line.following,) if line.following else ()))


@app.command()
def worker() -> None:
    """Process raw telemetry. Run it several times to scale."""
    from roadfade import worker as process  # noqa: PLC0415  # Faust is heavy, and only used here

    carry_out(lambda: process.main(settings()))


@app.command()
def sink() -> None:
    """Keep purpose topics in the lake."""
    from roadfade import sink_process  # noqa: PLC0415  # DuckDB is heavy

    carry_out(lambda: sink_process.main(settings()))


@app.command()
def sweep(
    *,
    once: Annotated[bool, typer.Option("--once", help="Sweep once and end.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what has expired from the lake."""
    from roadfade import sweep_process  # noqa: PLC0415  # DuckDB is heavy

    current = settings()
    if not once:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        sweep_process.main(current, stopping)
        return
    carry_out(lambda: _sweep_once(current, as_json=as_json), as_json=as_json)


def _sweep_once(current: "Settings", *, as_json: bool) -> None:
    from roadfade import sweep_process  # noqa: PLC0415  # DuckDB is heavy

    swept, restated = sweep_process.once(current, wall_ms())
    moved = None if restated is None else sum(restated.moved.values())
    removed = None if restated is None else sum(restated.removed.values())
    if as_json:
        body = {"files": swept.files, "readings": swept.rows, "by_output": dict(swept.by_output)}
        typer.echo(json.dumps(body | {"restated": moved, "closed": removed}))
        return
    typer.echo(f"removed {swept.rows} readings in {swept.files} files")
    if restated is None:
        typer.echo("nobody told which policy is in force: rows keep the end they have", err=True)
    elif moved or removed:
        typer.echo(f"by the policy in force {moved} end at another time, {removed} are gone")


@app.command()
def office() -> None:
    """Publish registrations, links and consents to the workers."""
    from roadfade import office_process  # noqa: PLC0415

    carry_out(lambda: office_process.main(settings()))


@topics_app.command("apply")
def topics_apply(*, as_json: Json = False) -> None:
    """Create missing topics, and bring drifted settings back to the policy's."""
    from roadfade import topics_commands  # noqa: PLC0415

    carry_out(lambda: topics_commands.apply(settings(), as_json=as_json))


@topics_app.command("show")
def topics_show(*, as_json: Json = False) -> None:
    """Show every topic, what the policy says of it, and where the broker differs."""
    from roadfade import topics_commands  # noqa: PLC0415

    carry_out(lambda: topics_commands.show(settings(), as_json=as_json))


@app.command()
def run(
    *,
    for_: Annotated[
        str | None, typer.Option("--for", help="Stop the source after so long, as 120s or 5m.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="Write the ledger as JSON to this file.")
    ] = None,
    vehicles: Annotated[int, typer.Option(min=1, help="Simulated vehicles.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the simulated fleet.")] = 1,
) -> None:
    """Run the whole road on this machine with a simulated fleet."""
    from roadfade import run as process  # noqa: PLC0415

    carry_out(lambda: process.main(settings(), for_, summary, vehicles, seed))


def main() -> None:
    """The entry point of the ``roadfade`` command."""
    # Core dumps would hold keys and readings.
    import resource  # noqa: PLC0415  # not on every platform

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What this house writes is for its own user alone: a lake file goes round every --purpose.
    os.umask(0o077)
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
