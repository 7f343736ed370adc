"""``roadfade audit``: ledger against raw, lake against ledger, copies against their register."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from roadfade.ledger_file import LedgerFile, NewerLedgerError
from roadfade.refusal import NotReady
from roadfade.terminal.answers import FAILS, print_json, settings, usage
from roadfade.terminal.arguments import AsJson

if TYPE_CHECKING:
    from roadfade.status.copies import Copies
    from roadfade.status.reconciliation import Accounts, Reconciled


def reconcile(
    *,
    ledger: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A copy of the ledger's file; else the one in use."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what the ledger does not tell of, or tells twice, and what the lake lacks of it.

    Compares the ledger with the offsets of the raw topic, and the lake with the purpose topics and
    the ledger. It changes nothing. What cannot be compared is said to be unknown.
    """
    from roadfade.status.accounts import gather_accounts  # noqa: PLC0415  # clients are heavy
    from roadfade.status.reconciliation import reconcile as compare  # noqa: PLC0415  # likewise

    current = settings()
    path = current.ledger_path if ledger is None else ledger
    if not path.is_file():
        if ledger is not None:
            usage(f"{path} is no file: name a copy of a ledger")
        msg = (
            f"there is no ledger at {path}: name the state folder of the workers "
            "(ROADFADE_STATE_DIR), or a copy of the file with --ledger"
        )
        raise NotReady(msg)
    try:
        LedgerFile(path, as_it_is=True).read()
    except NewerLedgerError as error:
        raise NotReady(str(error)) from None
    except (OSError, sqlite3.Error, msgspec.DecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        msg = f"the ledger at {path} cannot be read ({why}): put it back from a backup"
        raise NotReady(msg) from None
    accounts = gather_accounts(current, path)
    found = compare(accounts)
    if as_json:
        print_json(_report(accounts, found))
    else:
        _show(accounts, found)
    if found.findings:
        raise typer.Exit(FAILS)


def _report(accounts: "Accounts", found: "Reconciled") -> dict[str, Any]:
    """Everything the screen shows; None: not known."""
    return {
        "accounted": not found.findings,
        "findings": list(found.findings),
        "unknown": list(found.unknown),
        "raw": [
            {
                "topic": topic,
                "partition": partition,
                "begin": read.begin,
                "end": read.end,
                "committed": read.after,
                "told": _told(accounts, topic, partition),
            }
            for (topic, partition), read in sorted(accounts.raw.items())
        ],
        "outputs": {
            output: {
                "delivered": kept.delivered,
                "in_lake": kept.in_store,
                "removed": kept.swept,
                "unread": sum(
                    max(0, lag.end - max(accounts.stored.get(at, 0), lag.begin))
                    for at, lag in accounts.purposes.items()
                    if accounts.output_of.get(at[0]) == output
                ),
                "verdict": found.verdicts[output],
            }
            for output, kept in sorted(accounts.outputs.items())
        },
        "expired_on_arrival": accounts.expired_on_arrival,
    }


def _told(accounts: "Accounts", topic: str, partition: int) -> int:
    """Of how many offsets the ledger tells."""
    mine = (one for one in accounts.ranges if (one.topic, one.partition) == (topic, partition))
    return sum(one.last - one.first + 1 for one in mine)


def _show(accounts: "Accounts", found: "Reconciled") -> None:
    from rich.console import Console  # noqa: PLC0415  # heavy; JSON needs none
    from rich.table import Table  # noqa: PLC0415  # likewise
    from rich.text import Text  # noqa: PLC0415  # likewise

    console = Console(highlight=False)
    body = _report(accounts, found)
    raw = Table(title="raw topic, in offsets", title_justify="left")
    for heading in ("topic", "partition", "begin", "end", "committed", "in the ledger"):
        raw.add_column(heading, overflow="fold")
    for row in body["raw"]:
        raw.add_row(*(_said(one) for one in row.values()))
    console.print(raw)
    outputs = Table(title="outputs, in readings", title_justify="left")
    for heading in ("output", "delivered", "in the lake", "rows removed", "records unread", ""):
        outputs.add_column(heading, overflow="fold")
    for output, row in body["outputs"].items():
        outputs.add_row(output, *(_said(one) for one in row.values()))
    if body["outputs"]:
        console.print(outputs)
    if body["expired_on_arrival"]:
        console.print(f"ended before the sink could keep them: {body['expired_on_arrival']:,}")
    for sentence in found.unknown:
        console.print(Text(sentence, style="yellow"), soft_wrap=True)
    if not found.findings:
        console.print("[green]accounted for[/green]: nothing is missing, and nothing stands twice")
    for number, finding in enumerate(found.findings, start=1):
        console.print(Text(f"{number}. {finding}", style="red"), soft_wrap=True)


def _said(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else str(value)


def copies(*, as_json: AsJson = False) -> None:
    """Find what lies on broker and disk and is in no register of copies.

    Lists topics and consumer groups of this installation, files of the state folder, and what is
    foreign in the lake. It reads names, never what is in them, and changes nothing. Other folders,
    other machines and other prefixes it does not see.
    """
    import asyncio  # noqa: PLC0415  # heavy; --help needs none

    from roadfade.in_force.broker import connection_of, require_broker  # noqa: PLC0415  # likewise
    from roadfade.status.copies import Copies, on_broker, on_disk  # noqa: PLC0415  # likewise

    current = settings()
    require_broker(current)
    found = Copies()
    on_disk(current, found)
    asyncio.run(on_broker(current, connection_of(current), found))
    if as_json:
        print_json(copies_report(found))
    else:
        _show_copies(found)
    if found.unregistered:
        raise typer.Exit(FAILS)


def copies_report(found: "Copies") -> dict[str, Any]:
    """Everything the screen shows."""
    return {
        "registered": not found.unregistered,
        "unregistered": {
            "topics": found.strange_topics,
            "groups": found.strange_groups,
            "files": found.strange_files,
        },
        "unknown": found.unknown,
        "topics": found.topics,
        "files": {
            kind: {"files": count, "bytes": found.bytes[kind]}
            for kind, count in sorted(found.files.items())
        },
    }


def _show_copies(found: "Copies") -> None:
    typer.echo(f"{len(found.topics)} topics of the policy's versions")
    for kind, count in sorted(found.files.items()):
        typer.echo(f"{kind}: {count} files, {found.bytes[kind]:,} bytes")
    for sentence in found.unknown:
        typer.secho(sentence, fg="yellow")
    for what, names in (
        ("topic", found.strange_topics),
        ("group", found.strange_groups),
        ("file", found.strange_files),
    ):
        for name in names:
            typer.secho(f"in no register: {what} {name}", fg="red")
    if found.unregistered:
        typer.echo(
            "what is in no register ends by no bound, and no erasure reaches it: find out whose it "
            "is, then delete it"
        )
    else:
        typer.echo("every name is in the register")
