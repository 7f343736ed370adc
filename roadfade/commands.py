"""Commands for drives, gateways, analysts and operators: how each is asked, and its help.

Each does its work in a module of its own that is imported when asked for, since clients,
engines and decoders are heavy.
"""

from pathlib import Path
from typing import Annotated

import typer

from roadfade.refusal import carry_out, settings
from roadfade.typed import duration_s

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
For = Annotated[
    float | None,
    typer.Option(
        "--for", parser=duration_s, metavar="TIME", help="End after so long, as 60s or 5m."
    ),
]


def simulate(
    *,
    vehicles: Annotated[int, typer.Option(min=1, max=100_000, help="How many vehicles.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed drives the same trips.")] = 1,
    for_: For = None,
    as_json: Json = False,
) -> None:
    """Drive a simulated fleet, enrolled with the office, until Ctrl-C."""
    from roadfade import simulate_command  # noqa: PLC0415

    carry_out(
        lambda: simulate_command.main(settings(), vehicles, seed, for_, as_json=as_json),
        as_json=as_json,
    )


def signals(
    query: Annotated[
        list[str] | None, typer.Argument(help="Words to look for, as: speed km/h.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the signals that can be sent: unit, range, and which outputs keep each."""
    from roadfade import signals_command  # noqa: PLC0415

    words = " ".join(query or [])
    carry_out(lambda: signals_command.main(settings(), words, as_json=as_json), as_json=as_json)


def query(
    statement: Annotated[str, typer.Argument(metavar="SELECT", help="One SELECT over readings.")],
    *,
    purpose: Annotated[str, typer.Option(help="The purpose (or output) to open.")],
    recipient: Annotated[
        str | None, typer.Option(help="Where a purpose has several recipients.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Open one purpose for an analyst: live rows only, SELECT only."""
    from roadfade import query_command  # noqa: PLC0415

    carry_out(
        lambda: query_command.main(
            settings(), purpose, recipient, statement, csv_file, as_json=as_json
        ),
        as_json=as_json,
    )


def status(*, as_json: Json = False) -> None:
    """Show every process, lag, age and promise, and what is wrong and what to do."""
    from roadfade import status_command  # noqa: PLC0415

    carry_out(lambda: status_command.main(settings(), as_json=as_json), as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Register every command of this file."""
    for command in (simulate, signals, query, status):
        app.command()(command)
