"""``roadfade backup create | list | verify | expire``: copies that end, and whether they are whole.

Exit code 0: done, and nothing is wrong. 1: refused, or some backup is not what was copied.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roadfade.clock import wall_ms
from roadfade.refusal import Refusal
from roadfade.terminal.answers import FAILS, FILE_REMEDIES, print_json, settings, usage
from roadfade.terminal.arguments import AsJson
from roadfade.terminal.byte_bar import byte_bar
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from roadfade.backup.kept import Backup, Places
    from roadfade.backup.manifest import Manifest

NOWHERE: Final = (
    "name both folders (--to and --keys-to), or the settings backup_dir and backup_keys_dir"
)
NONE: Final = "there is no backup there"
SEE: Final = "see what lies there and which disk it is on, and try again"
SHOWN_MAX: Final = 20
STORES: Final = {"lake": "the lake", "postgres": "the store in PostgreSQL"}
"""As a backup's files call them, and as we do."""

To = Annotated[
    Path | None, typer.Option("--to", help="Folder of the data; default: the setting backup_dir.")
]
KeysTo = Annotated[
    Path | None,
    typer.Option("--keys-to", help="Folder of the keys; default: the setting backup_keys_dir."),
]


def create(*, to: To = None, keys_to: KeysTo = None, as_json: AsJson = False) -> None:
    """Copy office, ledger and rows into one folder, and what opens them into another.

    Rows are those of the lake or of PostgreSQL, as the settings say. Topics are not copied, nor the
    key encryption key. Everything may run meanwhile.
    """
    from roadfade.backup.making import make  # noqa: PLC0415  # DuckDB and the database toolkit
    from sinks.port.sink import StoreFullError  # noqa: PLC0415  # as above

    where = _places(to, keys_to)
    try:
        with byte_bar("copying", quiet=as_json) as tell:
            made = make(settings(), where, wall_ms, tell)
    except StoreFullError as error:
        raise Refusal(str(error)) from None
    if as_json:
        both = {"data": _facts(made.data), "keys": _facts(made.keys)}
        print_json(both | {"warnings": list(made.warnings)})
        return
    size = made.data.size + made.keys.size
    typer.echo(f"{made.data.name}  {size:,} bytes: office, {_rows_in(made.data)}")
    typer.echo(f"ends {made.data.ends_at}; its keys are in {where.keys / made.keys.name}")
    for warning in made.warnings:
        typer.secho(warning, fg="yellow")


def list_backups(*, to: To = None, keys_to: KeysTo = None, as_json: AsJson = False) -> None:
    """List the backups that are kept, what each holds, and when it ends."""
    from roadfade.backup import kept  # noqa: PLC0415  # few commands need it

    with _in_words("read"):
        found = kept.backups(_places(to, keys_to))
    now_ms, keep_ms = wall_ms(), kept.keep_ms_of(settings())
    if as_json:
        print_json({"backups": [_told(one, keep_ms, now_ms) for one in found]})
        return
    for one in found:
        ends_ms = one.ends_ms(keep_ms)
        faults = [] if one.manifest is not None else ["its manifest cannot be read"]
        faults += [] if one.has_keys else ["its keys are not there"]
        faults += [] if ends_ms > now_ms else ["it has ended"]
        held = [] if one.manifest is None else [f"office, {_rows_in(one.manifest)}"]
        typer.echo("  ".join([one.name, f"ends {format_instant(ends_ms)}", *held, *faults]))
    if not found:
        typer.echo(NONE)


def verify(*, to: To = None, keys_to: KeysTo = None, as_json: AsJson = False) -> None:
    """Read every backup, and hold each file against the digest taken as it was made."""
    from roadfade.backup import kept  # noqa: PLC0415  # few commands need it

    with _in_words("read"), byte_bar("reading", quiet=as_json) as tell:
        found = kept.backups(_places(to, keys_to))
        wrong = {one.name: _wrong(one, tell) for one in found}
    if as_json:
        print_json({"whole": not any(wrong.values()), "wrong": wrong})
    for name, faults in wrong.items() if not as_json else ():
        typer.secho(f"{name}  {'whole' if not faults else 'damaged'}", fg="red" if faults else None)
        for fault in faults[:SHOWN_MAX]:
            typer.echo(f"  {fault}")
    if not found and not as_json:
        typer.echo(NONE)
    if any(wrong.values()):
        raise typer.Exit(FAILS)


def expire(*, to: To = None, keys_to: KeysTo = None, as_json: AsJson = False) -> None:
    """Remove the backups that have ended, keys first; the sweep does so, too."""
    from roadfade.backup import kept  # noqa: PLC0415  # few commands need it

    places = _places(to, keys_to)
    with _in_words("removed"):
        gone = kept.expire(places, kept.keep_ms_of(settings()), wall_ms())
    if as_json:
        print_json({"removed": gone})
    else:
        typer.echo("\n".join(f"removed {name}" for name in gone) or "none has ended")


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Refusal for what the machine refuses, with the remedy."""
    try:
        yield
    except OSError as error:
        remedy = FILE_REMEDIES.get(error.errno or 0, SEE)
        place = error.filename or "a file of a backup"
        msg = f"{place} cannot be {what} ({error.strerror}): {remedy}"
        raise Refusal(msg) from None


def _places(to: Path | None, keys_to: Path | None) -> "Places":
    from roadfade.backup.kept import Places  # noqa: PLC0415  # as above

    data, keys = to or settings().backup_dir, keys_to or settings().backup_keys_dir
    if data is None or keys is None:
        usage(NOWHERE)
    return Places(data, keys)


def _wrong(one: "Backup", tell: Any) -> list[str]:
    from roadfade.backup import manifest  # noqa: PLC0415  # as above

    faults = []
    for folder in (one.data, one.keys):
        try:
            said = manifest.read(folder)
        except Refusal as refusal:
            faults.append(str(refusal))
        else:
            part = "" if said.part == "data" else "keys: "
            faults += [f"{part}{path}" for path in manifest.wrong_in(folder, said, tell)]
    return faults


def _facts(one: "Manifest") -> dict[str, Any]:
    return {
        "name": one.name,
        "made": one.made_at,
        "ends": one.ends_at,
        "policy_version": one.policy_version,
        "schemas": one.schemas,
        "counts": one.counts,
        "files": len(one.files),
        "bytes": one.size,
    }


def _rows_in(said: "Manifest") -> str:
    for store, where in STORES.items():
        if store in said.schemas:
            return f"{said.counts.get(f'{store}_rows', 0):,} rows of {where}"
    return "no rows"


def _told(one: "Backup", keep_ms: int, now_ms: int) -> dict[str, Any]:
    ends_ms = one.ends_ms(keep_ms)
    return {
        "name": one.name,
        "made": format_instant(one.made_ms),
        "ends": format_instant(ends_ms),
        "ended": ends_ms <= now_ms,
        "readable": one.manifest is not None,
        "keys": one.has_keys,
        "bytes": None if one.manifest is None else one.manifest.size,
        "counts": None if one.manifest is None else one.manifest.counts,
    }
