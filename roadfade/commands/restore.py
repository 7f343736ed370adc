"""``roadfade restore`` and ``roadfade restore drill``: back to a backup, or a try of it.

Exit code 0: restored, or a restore would bring nothing back. 1: refused, or it would.
"""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadfade.clock import wall_ms
from roadfade.refusal import Refusal
from roadfade.terminal.answers import FAILS, print_json, settings, usage
from roadfade.terminal.arguments import AsJson
from roadfade.terminal.asked_again import show_asked_again
from roadfade.terminal.byte_bar import byte_bar

if TYPE_CHECKING:
    from roadfade.backup.truing import Trued


class What(StrEnum):
    """What is to be done with a backup, if it is not to be restored."""

    DRILL = "drill"


def restore_command(
    *,
    what: Annotated[
        What | None, typer.Argument(help="drill: try the newest backup, and throw it away.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--from", help="The backup's folder, with its manifest.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Its keys' folder, or that of a later backup."),
    ] = None,
    memory_lost: Annotated[
        bool,
        typer.Option(
            "--memory-lost",
            help="What was removed since is known to nobody: no rows, every link and consent ends.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Go back to a backup, without whatever was erased, withdrawn or ended since.

    Into a state folder without office, ledger and lake, and into PostgreSQL if its schema is empty;
    stop every process first. With `drill` nothing is put in place: the newest backup is restored
    beside it, looked through, and removed.
    """
    if (data is None) != (keys is None):
        usage("name both folders of the backup: --from and --keys")
    if what is What.DRILL:
        _drill(data, keys, as_json=as_json)
    elif data is None or keys is None:
        usage("name the backup (--from and --keys), or say `roadfade restore drill`")
    else:
        _restore(data, keys, lost=memory_lost, as_json=as_json)


def _restore(data: Path, keys: Path, *, lost: bool, as_json: bool) -> None:
    from roadfade.backup.restoring import restore  # noqa: PLC0415  # DuckDB and the database toolkit
    from sinks.port.sink import StoreFullError  # noqa: PLC0415  # as above

    try:
        with byte_bar("copying", quiet=as_json) as tell:
            done = restore(settings(), data, keys, wall_ms, tell, lost=lost)
    except StoreFullError as error:
        raise Refusal(str(error)) from None
    if as_json:
        print_json({"backup": done.backup, **_facts(done.trued), "keys_destroyed": done.destroyed})
        return
    typer.echo(f"restored {done.backup}")
    _show(done.trued)
    typer.echo("Now start the office first, then the others: see docs/backup.md")


def _drill(data: Path | None, keys: Path | None, *, as_json: bool) -> None:
    from roadfade.backup.drill import drill  # noqa: PLC0415  # as above
    from roadfade.backup.kept import Backup, newest_whole, places_of  # noqa: PLC0415  # as above
    from roadfade.backup.manifest import read  # noqa: PLC0415  # as above
    from sinks.port.sink import StoreFullError  # noqa: PLC0415  # as above

    mine = settings()
    places = places_of(mine)
    if data is not None and keys is not None:
        said = read(data)
        chosen = Backup(said.name, data, keys, said, has_keys=True)
    elif places is not None:
        chosen = newest_whole(places)
    else:
        usage("name a backup (--from and --keys), or the settings backup_dir and backup_keys_dir")
    try:
        with byte_bar("copying", quiet=as_json) as tell:
            found = drill(mine, chosen, wall_ms, tell)
    except StoreFullError as error:
        raise Refusal(str(error)) from None
    if as_json:
        facts = {"found_again": found.found_again, "seconds": round(found.seconds, 3)}
        print_json({"backup": found.backup, "holds": found.holds, **_facts(found.trued), **facts})
    else:
        typer.echo(f"{found.backup} could be restored, in {found.seconds:.1f} s")
        _show(found.trued)
        if not found.holds:
            typer.secho(f"{found.found_again} rows would come back that were removed", fg="red")
    if not found.holds:
        raise typer.Exit(FAILS)


def _facts(trued: "Trued") -> dict[str, Any]:
    return asdict(trued)


def _show(trued: "Trued") -> None:
    for warning in trued.warnings:
        typer.secho(warning, fg="yellow")
    office = trued.office
    show_asked_again(office.asked, office.unasked)
    where = "in PostgreSQL" if trued.store == "postgres" else "in the lake"
    typer.echo(f"{trued.rows:,} readings {where}; {trued.expired:,} had ended meanwhile")
    if trued.compared:
        typer.echo(
            f"{trued.compared:,} partitions, all of them, held what was copied, by digests of rows"
        )
    typer.echo(
        f"{trued.erased:,} rows were removed again, as {trued.commands:,} commands of erasure say"
    )
    typer.echo(
        f"{office.persons:,} persons were forgotten again; {office.gone:,} rows of the office were "
        f"deleted again, {office.ended:,} ended again, {office.withheld:,} withhold again; of "
        f"{office.withdrawals:,} consents it is asked again that what rests on them be removed"
    )
