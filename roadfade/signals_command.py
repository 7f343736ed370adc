"""``roadfade signals``: the catalogue, searchable, with what the policy does with each signal."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from policy.limits import Limits
from policy.plan import Plan
from roadfade.planning import compile_policy
from roadfade.refusal import say_json
from roadfade.settings import Settings
from telemetry.signals import Signal


def main(settings: Settings, query: str, *, as_json: bool) -> None:
    """Print the signals that have every word of the query; all of them without one."""
    plan = compile_policy(settings, Limits())
    keeping = keepers(plan)
    found = [signal for signal in plan.catalogue if matches(signal, query)]
    if as_json:
        rows = [as_row(signal, keeping) for signal in found]
        say_json({"catalogue": plan.catalogue.version, "signals": rows})
        return
    if not found:
        typer.echo("no signal matches; `roadfade signals` lists all of them", err=True)
        return
    table = Table(title=f"{len(found)} of {len(plan.catalogue)} signals", title_justify="left")
    for heading in ("signal", "unit", "datatype", "range", "kept by"):
        table.add_column(heading, overflow="fold")
    for signal in found:
        kept = "\n".join(keeping.get(signal.path, ())) or "nobody: never collected"
        if signal.derived:
            kept = "made by roadfade, never accepted"
        table.add_row(signal.path, signal.unit, signal.datatype, range_of(signal), kept)
    Console().print(table)


def matches(signal: Signal, query: str) -> bool:
    """Whether every word of the query is somewhere in the signal's row, in any case."""
    row = f"{signal.path} {signal.title} {signal.unit} {signal.kind} {signal.obd or ''}".casefold()
    return all(word in row for word in query.casefold().split())


def keepers(plan: Plan) -> dict[str, list[str]]:
    """The outputs that keep a signal, by path; a signal in none is never collected."""
    found: dict[str, list[str]] = {}
    for output in plan.outputs:
        for path in sorted({rule.signal for lane in output.lanes for rule in lane.rules}):
            found.setdefault(path, []).append(output.id)
    return found


def range_of(signal: Signal) -> str:
    """The accepted values, in the signal's unit."""
    if signal.is_number:
        return f"{signal.min:.12g} to {signal.max:.12g}"
    return ", ".join(signal.allowed) or ("true, false" if signal.datatype == "boolean" else "")


def as_row(signal: Signal, keeping: Mapping[str, list[str]]) -> dict[str, Any]:
    """The signal as JSON."""
    return {
        "path": signal.path,
        "title": signal.title,
        "unit": signal.unit,
        "datatype": signal.datatype,
        "kind": str(signal.kind),
        "min": signal.min,
        "max": signal.max,
        "allowed": list(signal.allowed),
        "obd": signal.obd,
        "derived": signal.derived,
        "outputs": keeping.get(signal.path, []),
    }
