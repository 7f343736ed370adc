"""``roadfade office rebuild``: an office whose database is lost, made anew from the control topics.

Exit code 0: rebuilt, or it could be. 1: refused, or it would be.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roadfade.clock import wall_ms
from roadfade.terminal.answers import FAILS, print_json, settings
from roadfade.terminal.arguments import AsJson
from roadfade.terminal.asked_again import show_asked_again
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from office.rebuilt.build import Built
    from roadfade.rebuild.rebuilding import Rebuilt

LOST: Final = (
    "events that were recorded and the ends they brought",
    "requests, with their numbers and answers; who is to be forgotten as a whole is still known",
    "the chain of receipts: a new one begins, linked to none",
    "who outside was told of a request or an objection",
    "consents that had ended and were deleted, and when ends became known",
    "basis, owner, review and end of legal holds: they go on with what they named, to be reviewed",
    "stores that were retired",
)
"""What no topic carries."""
NO_MEMORY: Final = (
    "suppressions.sqlite is lost: a new one begins, and older backups then need --memory-lost"
)
NO_KEYRING: Final = (
    "keyring.sqlite or kek is lost: nobody can find rows that lie under its keys any more; they "
    "end by their own period, and legal holds cannot be opened"
)


def rebuild(
    *,
    incomplete_too: Annotated[
        bool,
        typer.Option(
            "--incomplete-too",
            help="Also from topics that lack rows: then every link and consent ends.",
        ),
    ] = False,
    move_aside: Annotated[
        bool,
        typer.Option(
            "--move-aside", help="Give a database that is there another name; it is not deleted."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look what lies there, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the office's database anew from the control topics, if it is lost and the broker lives.

    Stop every office first. Devices, links, consents, restrictions, versions and living commands
    come back under their own ids; whatever the memory of what was removed knows to have ended does
    not. Refused if the topics lack anything that the office had published.
    """
    from roadfade.in_force.broker import connection_of, require_broker  # noqa: PLC0415  # heavy
    from roadfade.rebuild.rebuilding import look  # noqa: PLC0415  # the database toolkit is heavy
    from roadfade.rebuild.rebuilding import rebuild as carry_out  # noqa: PLC0415  # as above

    mine = settings()
    require_broker(mine)
    broker = connection_of(mine)
    with _progress(quiet=as_json) as tell:
        if dry_run:
            done = look(mine, broker, wall_ms, tell)
        else:
            done = carry_out(
                mine, broker, wall_ms, tell, incomplete=incomplete_too, move_aside=move_aside
            )
    if as_json:
        print_json(_facts(done))
    else:
        _show(done)
    if dry_run and done.outlook.lacking and not incomplete_too:
        raise typer.Exit(FAILS)


def _facts(done: "Rebuilt") -> dict[str, Any]:
    built = done.built
    return {
        "rebuilt": built is not None,
        "rows": done.outlook.rows.counts(),
        "as_of": format_instant(done.outlook.as_of_ms),
        "unvouched": done.outlook.unvouched,
        "misplaced": done.outlook.found.misplaced,
        "lacking": [one._asdict() for one in done.outlook.lacking],
        "memory": done.has_memory,
        "keyring": done.has_keyring,
        "changed": None if built is None else asdict(built),
        "moved_aside": None if done.moved_aside is None else str(done.moved_aside),
        "lost": list(LOST),
    }


def _show(done: "Rebuilt") -> None:
    counts = done.outlook.rows.counts()
    listed = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items())
    typer.echo(f"on the topics, as of {format_instant(done.outlook.as_of_ms)}: {listed}")
    if done.outlook.unvouched:
        typer.echo(
            f"{done.outlook.unvouched:,} records came behind the last heartbeats; they are taken, "
            "but for new consents"
        )
    for one in done.outlook.lacking:
        typer.secho(str(one), fg="red")
    for there, words in ((done.has_memory, NO_MEMORY), (done.has_keyring, NO_KEYRING)):
        if not there:
            typer.secho(words, fg="yellow")
    if done.built is not None:
        _show_built(done, done.built)


def _show_built(done: "Rebuilt", built: "Built") -> None:
    amended = built.amended
    typer.echo(
        f"the office is rebuilt; beside what lies on the topics {amended.gone:,} rows were deleted "
        f"again, {amended.ended:,} ended, {amended.withheld:,} withhold again"
    )
    typer.echo(
        f"{built.forgetting:,} persons are still to be forgotten, and of {amended.withdrawals:,} "
        "consents what rests on them is removed: both were asked for again"
    )
    if built.unvouched_consents:
        typer.secho(
            f"{built.unvouched_consents:,} consents came behind the last heartbeats, and nobody "
            "vouches for them: they count as never given, so ask these people again",
            fg="yellow",
        )
    show_asked_again(amended.asked, amended.unasked)
    if done.outlook.lacking:
        typer.secho(
            "every link and consent has ended: register people, and ask them, again", fg="red"
        )
    if built.parts:
        typer.secho(
            f"{built.parts:,} restrictions withhold a part of somebody: if a request for a part "
            "was asked in the minutes before the loss, ask it again",
            fg="yellow",
        )
    typer.echo("no topic carries, so it is lost:")
    for one in LOST:
        typer.echo(f"- {one}")
    if done.heads:
        typer.secho(
            f"{done.heads:,} heads of the lost chain lie in receipt_heads: publish that it ended, "
            "and move them out of that folder, where they can still verify what was exported",
            fg="yellow",
        )
    if done.moved_aside is not None:
        typer.secho(f"{done.moved_aside} still holds persons: delete it", fg="yellow")
    typer.echo("Now start the office first, then the others: see docs/backup.md")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console  # noqa: PLC0415  # only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415  # as above

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("records", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
