"""``roadfade query``: one purpose opened for an analyst.

In: a purpose and one SELECT. Out: a table, CSV or JSON of live rows. Nothing else of the
lake is in reach; a refusal says why.
"""

from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.in_force.recorded import policy_here
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import query, store_of
from roadfade.terminal.answers import print_json, usage
from sinks.query.csv_file import write_csv
from sinks.query.gate import QueryRefusedError
from sinks.query.session import QueryFailedError, Result
from sinks.query.values import json_value, text_value

SHOWN_MAX: Final = 500
"""Rows of a table on a screen; files and JSON have all."""


def main(
    settings: Settings,
    purpose: str,
    recipient: str | None,
    statement: str,
    csv_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Run the statement and show its rows. Refusal if it may not or does not run."""
    plan = policy_here(settings, Limits())
    output = output_of(plan, store_of(settings).outputs(), purpose, recipient)
    try:
        result = query(settings, output, statement, wall_ms())
    except (QueryRefusedError, QueryFailedError) as error:
        raise Refusal(str(error)) from None
    if csv_file is not None:
        _write(result, csv_file)
    if as_json:
        body = {
            "output": output,
            "columns": list(result.columns),
            "truncated": result.truncated,
            "unreadable_files": result.unreadable,
        }
        written = {"csv_rows": len(result.rows)} if csv_file else {"rows": _plain(result)}
        print_json(body | written)
        return
    if csv_file is None:
        Console().print(_table(result))
    else:
        typer.echo(f"{len(result.rows):,} rows written")
    _say_what_is_missing(result, shown=csv_file is None)


def output_of(plan: Plan, kept: list[str], purpose: str, recipient: str | None) -> str:
    """The output meant; a usage error naming the choices if none or several are.

    An id from before its purpose had several recipients is taken: its rows may live on. What
    the policy in force closes is not opened, whatever of it a sweep has not reached yet.
    """
    mine = [output for output in plan.outputs if output.purpose == purpose]
    named = [output for output in mine if recipient in (None, output.recipient)]
    if len(named) == 1:
        return named[0].id
    purposes = {output.purpose for output in plan.outputs}
    earlier = {output for output in kept if output.partition(".")[0] in purposes}
    known = {output.id for output in plan.outputs} | earlier
    if recipient is not None or purpose not in known:
        if mine:
            recipients = ", ".join(output.recipient for output in mine)
            usage(f"{purpose} goes to these recipients, name one with --recipient: {recipients}")
        usage(f"no such purpose or output; the policy has: {', '.join(sorted(known))}")
    return purpose


def _write(result: Result, path: Path) -> None:
    try:
        write_csv(result, path)
    except OSError as error:
        msg = f"{path} cannot be written ({error.strerror}): name a file in a folder that exists"
        raise Refusal(msg) from None


def _plain(result: Result) -> list[list[object]]:
    return [list(map(json_value, row)) for row in result.rows]


def _table(result: Result) -> Table:
    table = Table()
    for column in result.columns:
        table.add_column(column, overflow="fold")
    for row in result.rows[:SHOWN_MAX]:
        table.add_row(*map(text_value, row))
    return table


def _say_what_is_missing(result: Result, *, shown: bool) -> None:
    unseen = len(result.rows) - SHOWN_MAX
    if shown and unseen > 0:
        typer.echo(f"{unseen:,} more rows are not shown: add LIMIT, or write --csv", err=True)
    if result.truncated:
        typer.echo(f"cut off after {len(result.rows):,} rows: narrow the query", err=True)
    if result.unreadable:
        typer.echo(
            f"this answer is not whole: {result.unreadable:,} files could not be "
            "read; tell the operator, who finds them with `roadfade lake check`",
            err=True,
        )
