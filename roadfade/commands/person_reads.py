"""``roadfade person show | export``: a person's readings counted, or written for them.

Exit 0: done. 1: refused, or the answer is not whole, since something that may hold readings of the
person cannot be read.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from policy.plan.plan import Output, Plan
from policy.vocabulary.bilingual import Language
from roadfade.clock import judging_clock
from roadfade.commands.office_desk import desk_of
from roadfade.person.asking import Asked, ask
from roadfade.person.evidence import kept_evidence
from roadfade.person.export_files import ExportedOutput, Tell, about, write_output
from roadfade.person.held import Rows, count
from roadfade.person.page import person_page
from roadfade.person.scope import Scope
from roadfade.refusal import Refusal
from roadfade.stores import store_of
from roadfade.terminal.answers import FAILS, print_json, settings, usage, write_below
from sinks.port.results import Located
from telemetry.identity import DeviceId, SubjectId

LANGUAGES: Final[tuple[Language, ...]] = ("ja", "en")
NOT_WHOLE: Final = (
    "this is not whole: {count:,} files that may hold readings of the person could not be read; "
    "the operator finds them with `roadfade lake check`"
)
TOO_MANY: Final = (
    "there are more readings than fit in memory at once, and what is written is not whole: ask for "
    "one span after the other (--from, --to), each into a folder of its own"
)
DESTROYED: Final = (
    "{count:,} keys are destroyed under which more may lie: nobody can find that any more, and it "
    "ends on its day"
)


def scope_of(
    subject: str,
    device: str | None,
    from_ms: int | None,
    to_ms: int | None,
    purposes: Sequence[str] | None,
) -> Scope:
    """What the words of a command ask for; exit 2 if they ask for nothing."""
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        usage("--to is not after --from: no reading lies between them")
    vehicle = None if device is None else DeviceId(device)
    return Scope(SubjectId(subject), vehicle, from_ms, to_ms, frozenset(purposes or ()))


def require_purposes(scope: Scope, plans: Sequence[Plan]) -> None:
    """Exit 2 if no version had a purpose: a mistyped one would pass for empty, or for done."""
    known = dict.fromkeys(purpose for plan in reversed(plans) for purpose in plan.titles)
    unknown = sorted(scope.purposes - known.keys())
    if unknown:
        usage(f"no such purpose: {', '.join(unknown)}; the policy has: {', '.join(known)}")


def asked(ctx: typer.Context, scope: Scope) -> Asked:
    """What office, keyring and versions say; exit 2 if a purpose is none."""
    now_ms = judging_clock(settings().fixed_now_ms)()
    found = ask(settings(), scope, desk_of(ctx).on_database, now_ms)
    require_purposes(scope, found.plans)
    return found


def counted(found: Asked, store: Rows) -> list[tuple[Output, Located]]:
    """By output, what the store has of the person."""
    return [(one, count(store, found.held.of(one))) for one in found.held.outputs()]


def show_person(ctx: typer.Context, scope: Scope, *, as_json: bool) -> None:
    """Count, and say it."""
    found = asked(ctx, scope)
    by_output = counted(found, store_of(settings()))
    unreadable = sum(one.unreadable for _, one in by_output)
    if as_json:
        print_json(_shown(found, by_output))
    else:
        Console().print(_table(by_output))
        typer.echo(f"vehicles: {len(found.person.links)}, consents: {len(found.person.consents)}")
        for line in kept_evidence(found.policy.plan).lines():
            typer.echo(line)
        if found.held.unlocatable:
            typer.echo(DESTROYED.format(count=len(found.held.unlocatable)))
    _say_if_not_whole(unreadable)


def _shown(found: Asked, by_output: Sequence[tuple[Output, Located]]) -> dict[str, Any]:
    return {
        "vehicles": len(found.person.links),
        "consents": len(found.person.consents),
        "evidence_kept": kept_evidence(found.policy.plan).facts(),
        "outputs": [
            {
                "output": output.id,
                "purpose": output.purpose,
                "recipient": output.recipient,
                "readings": one.rows,
                "files": one.files,
                "file_bytes": one.file_bytes,
            }
            for output, one in by_output
        ],
        "destroyed_keys": len(found.held.unlocatable),
        "unreadable_files": sum(one.unreadable for _, one in by_output),
    }


def _table(by_output: Sequence[tuple[Output, Located]]) -> Table:
    table = Table()
    table.add_column("purpose")
    table.add_column("recipient")
    table.add_column("readings", justify="right")
    table.add_column("in files of", justify="right")
    for output, one in by_output:
        table.add_row(output.purpose, output.recipient, f"{one.rows:,}", decimal(one.file_bytes))
    rows = sum(one.rows for _, one in by_output)
    file_bytes = sum(one.file_bytes for _, one in by_output)
    table.add_row("all", "", f"{rows:,}", decimal(file_bytes))
    return table


def export_person(ctx: typer.Context, scope: Scope, into: Path, *, as_json: bool) -> None:
    """Write the files, and say which."""
    _require_empty(into)
    found = asked(ctx, scope)
    store, now_ms = store_of(settings()), judging_clock(settings().fixed_now_ms)()
    by_output = counted(found, store)
    (into / "readings").mkdir(parents=True, exist_ok=True)
    with _progress(sum(one.rows for _, one in by_output), quiet=as_json) as tell:
        try:
            exported = [
                write_output(into, found.held, output, store, now_ms, tell)
                for output, _ in by_output
            ]
        except MemoryError:
            raise Refusal(TOO_MANY) from None
    body = about(scope, found.person, found.held, exported, found.policy)
    write_below(into, "person.json", json.dumps(body, ensure_ascii=False, indent=2) + "\n")
    for language in LANGUAGES:
        destroyed = len(found.held.unlocatable)
        text = person_page(found.person, exported, found.policy, language, destroyed)
        write_below(into, f"person.{language}.html", text)
    unreadable = sum(one.unreadable for _, one in by_output)
    _say_exported(exported, body["digest"], unreadable, as_json=as_json)
    _say_if_not_whole(unreadable)


def _require_empty(into: Path) -> None:
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        # Its name is not repeated: who is asked about may stand in it.
        msg = "the folder of --into is there and not empty: name a new one, or empty it first"
        raise Refusal(msg)


def _say_exported(
    exported: Sequence[ExportedOutput], digest: str, unreadable: int, *, as_json: bool
) -> None:
    readings = sum(one.readings for one in exported)
    if as_json:
        print_json(
            {
                "readings": readings,
                "outputs": {one.output.id: one.readings for one in exported},
                "digest": digest,
                "unreadable_files": unreadable,
            }
        )
    else:
        typer.echo(f"{readings:,} readings written; open person.ja.html or person.en.html")


def _say_if_not_whole(unreadable: int) -> None:
    if unreadable:
        typer.echo(NOT_WHOLE.format(count=unreadable), err=True)
        raise typer.Exit(FAILS)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Tell]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("readings", total=total)
        yield lambda more: bar.advance(task, more)
