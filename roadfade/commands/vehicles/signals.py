"""``roadfade signals``: the catalogue, searchable, with what the policy does with each signal."""

import json

import typer
from rich.console import Console
from rich.table import Table

from ingest.signal_list import find, span, to_json
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.in_force.recorded import policy_here
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json


def main(settings: Settings, query: str, *, as_json: bool) -> None:
    """Print the signals that have every word of the query; all of them without one."""
    plan = policy_here(settings, Limits())
    keeping = keepers(plan)
    found = find(plan.catalogue, query)
    if as_json:
        body = json.loads(to_json(found, plan.catalogue.version))
        for row in body["signals"]:
            row["outputs"] = keeping.get(row["path"], [])
        print_json(body)
        return
    if not found:
        typer.echo("no signal matches; `roadfade signals` lists all of them", err=True)
        return
    table = Table(title=f"{len(found)} of {len(plan.catalogue)} signals", title_justify="left")
    for heading in ("signal", "unit", "datatype", "range", "kept by"):
        table.add_column(heading, overflow="fold")
    for signal in found:
        kept = "\n".join(keeping.get(signal.path, ())) or "no output: never collected"
        table.add_row(signal.path, signal.unit, signal.datatype, span(signal), kept)
    Console().print(table)


def keepers(plan: Plan) -> dict[str, list[str]]:
    """The outputs that keep a signal, by path; a signal in none is never collected."""
    found: dict[str, list[str]] = {}
    for output in plan.outputs:
        for path in sorted({rule.signal for lane in output.lanes for rule in lane.rules}):
            found.setdefault(path, []).append(output.id)
    return found
