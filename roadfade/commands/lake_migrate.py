"""``roadfade lake migrate``: rewrite now what does not lie as the settings want it.

Exit code 0: nothing is left to do, or ``--dry-run`` has said what is. 1: refused, or some parts
stay as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadfade.clock import wall_ms
from roadfade.refusal import Refusal
from roadfade.terminal.answers import FAILS, carry_out, print_json, settings
from roadfade.terminal.arguments import AsJson

if TYPE_CHECKING:
    from sinks.lake.rebucketing import Outlook, Rebucketed, Tell


def migrate(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be rewritten; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rewrite parts of another number of buckets, and of format 1, as `lake_buckets` says.

    Stop the sink first. Killed, it goes on where it was.
    """
    carry_out(lambda: _look(as_json=as_json) if dry_run else _rewrite(as_json=as_json))


def _look(*, as_json: bool) -> None:
    from roadfade.stores import what_to_rebucket  # noqa: PLC0415  # DuckDB is heavy
    from sinks.port.sink import StoreTakenError  # noqa: PLC0415  # as above

    try:
        found = what_to_rebucket(settings())
    except StoreTakenError as error:
        raise Refusal(str(error)) from None
    if as_json:
        print_json({**_facts(found), "rewritten": 0, "left": found.unreadable, "dry_run": True})
        return
    typer.echo(f"{_what(found)} would be rewritten into {found.buckets} buckets")
    if found.unreadable:
        typer.secho(f"{found.unreadable} parts cannot be read: they would stay", fg="yellow")


def _rewrite(*, as_json: bool) -> None:
    from roadfade.stores import rebucket_store  # noqa: PLC0415  # DuckDB is heavy
    from sinks.port.sink import StoreFullError, StoreTakenError  # noqa: PLC0415  # as above

    try:
        with _progress(quiet=as_json) as tell:
            done = rebucket_store(settings(), wall_ms, tell)
    except (StoreTakenError, StoreFullError) as error:
        raise Refusal(str(error)) from None
    if as_json:
        facts = _facts(done.outlook)
        print_json({**facts, "rewritten": done.parts, "left": done.left, "dry_run": False})
    else:
        _show(done)
    if done.left:
        raise typer.Exit(FAILS)


def _facts(found: "Outlook") -> dict[str, Any]:
    return {
        "format": found.before.v,
        "buckets_before": list(found.before.all_buckets),
        "buckets": found.buckets,
        "parts": len(found.outdated),
        "rows": found.rows,
    }


def _show(done: "Rebucketed") -> None:
    typer.echo(
        f"{done.parts:,} parts of {done.rows:,} rows were rewritten into "
        f"{done.outlook.buckets} buckets"
    )
    if done.left:
        typer.secho(
            f"{done.left} parts stay as they are: they are about to end, cannot be read (see "
            "`roadfade lake check`), or there was no room for a copy; an erasure looks there, too",
            fg="yellow",
        )


def _what(found: "Outlook") -> str:
    return f"{len(found.outdated):,} parts of {found.rows:,} rows"


@contextmanager
def _progress(*, quiet: bool) -> Iterator["Tell"]:
    from rich.console import Console  # noqa: PLC0415  # only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415  # as above

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
