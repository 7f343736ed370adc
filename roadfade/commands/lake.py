"""``roadfade lake check``: what lies in the lake, and what is wrong with it."""

from typing import TYPE_CHECKING

import typer

from roadfade.clock import wall_ms
from roadfade.terminal.answers import FAILS, print_json, settings
from roadfade.terminal.arguments import AsJson

if TYPE_CHECKING:
    from sinks.port.results import Checked

SHOWN_MAX = 20
"""Names of each kind on a screen; JSON has all."""


def check(*, as_json: AsJson = False) -> None:
    """Say what lies in the lake and what is wrong with it; change nothing."""
    from roadfade.stores import check_store  # noqa: PLC0415  # DuckDB is heavy

    found = check_store(settings(), wall_ms())
    wrong = bool(found.refused or found.unproven or found.strange)
    if as_json:
        print_json(_report(found, wrong=wrong))
    else:
        _show(found, wrong=wrong)
    if wrong:
        raise typer.Exit(FAILS)


def _report(found: "Checked", *, wrong: bool) -> dict[str, object]:
    return {
        "whole": not wrong,
        "outputs": list(found.outputs),
        "parts": found.parts,
        "overdue": found.overdue,
        "half_written": found.half_written,
        "unproven": list(found.unproven),
        "strange": [
            {"kind": str(one.oddity), "place": one.place, "why": one.why} for one in found.strange
        ],
        "refused": found.refused,
    }


def _show(found: "Checked", *, wrong: bool) -> None:
    typer.echo(f"{found.parts} parts of {len(found.outputs)} outputs")
    if found.overdue:
        typer.echo(f"{found.overdue} parts are past their expiry: the next sweep removes them")
    if found.half_written:
        typer.echo(
            f"{found.half_written} parts were left half-written: the next start of the sink "
            "removes them, and their records come again"
        )
    if found.refused is not None:
        typer.secho(found.refused, fg="red")
    if found.unproven:
        typer.secho(
            f"{len(found.unproven)} parts lie above the newest checkpoint (in a lake of format 1: "
            "above their marker), so some are lost, and no sink opens this lake: put "
            "`_checkpoints` (`_offsets`) back from a backup, or, if the topics still hold these "
            "records, move the parts away",
            fg="red",
        )
    for place in found.unproven[:SHOWN_MAX]:
        typer.echo(f"  {place}")
    if found.strange:
        typer.secho(f"{len(found.strange)} names are strange:", fg="red")
    for one in found.strange[:SHOWN_MAX]:
        typer.echo(f"  {one.oddity}: {one.place}: {one.why}")
    if not wrong:
        typer.echo("nothing is wrong")
