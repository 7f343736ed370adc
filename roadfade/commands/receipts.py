"""``roadfade receipts``: what was erased, as a chain that anybody can check.

In: the office's receipts, or a file of them. Out: lines, JSON, or a file; exit 1 if a chain is not
whole.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from roadfade.clock import wall_ms
from roadfade.refusal import NotReady
from roadfade.terminal.answers import FAILS, print_json, settings, usage
from roadfade.terminal.arguments import AsJson
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from office.erasure.receipt_chain import Entry, Head, Receipt
    from roadfade.settings import Settings

HEADS_MISSING: Final = "{folder} holds no head: name a folder of heads, as receipt_heads is"
KEY_CHARS: Final = 64
FILE_BYTES_MAX: Final = 1024 * 1024 * 1024
NONE: Final = "there is no receipt: nothing was asked to be erased"
WHOLE: Final = "whole: every entry is signed and follows the one before it"
NO_HEAD: Final = (
    "whether its end was cut was not looked for: give a head that was published (--head), or the "
    "folder of them (--heads)"
)
NEW_KEY: Final = "at entry {number} a new key begins: the former one was lost"
NO_FORMER: Final = (
    "who signed what stands before it was not looked for: give the public key of before "
    "(--former); that it was not changed since is signed by the new key"
)
NO_HEADS: Final = (
    "no head is kept yet: `roadfade office` keeps one each day from the first receipt on"
)


def list_receipts(
    *,
    erasure: Annotated[
        str | None, typer.Option("--erasure", help="Only of the request with this number.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every receipt: which copy of what, rows before and after, and when."""
    from office.erasure.receipt_chain import file_of, read  # noqa: PLC0415  # cryptography is heavy

    found, _ = read(file_of(asyncio.run(_receipts(settings()))))
    entries = [told.entry for told in found if erasure in (None, told.entry.erasure)]
    if as_json:
        print_json({"receipts": [msgspec.to_builtins(entry) for entry in entries]})
    else:
        typer.echo("\n".join(map(_line, entries)) or NONE)


def export(
    *,
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    as_json: AsJson = False,
) -> None:
    """Write the whole chain into a file, a line for each receipt, for others to verify."""
    from office.erasure.receipt_chain import file_of  # noqa: PLC0415  # as above

    receipts = asyncio.run(_receipts(settings()))
    try:
        file.write_bytes(file_of(receipts))
    except OSError as error:
        usage(f"cannot write {file}: {error.strerror}; name a file in a folder you may write")
    if as_json:
        print_json({"file": str(file), "receipts": len(receipts)})
    else:
        typer.echo(f"{len(receipts)} receipts in {file}")


def head(*, as_json: AsJson = False) -> None:
    """Show where the chain stands today, signed: publish it, and no later chain can be shorter.

    With the public key, by which everybody can verify head and chain.
    """
    found, public_key = asyncio.run(_head(settings()))
    if as_json:
        print_json(msgspec.to_builtins(found) | {"public_key": public_key})
        return
    typer.echo(f"day         {found.day}")
    typer.echo(f"receipts    {found.number}")
    typer.echo(f"hash        {found.hash}")
    typer.echo(f"signature   {found.signature}")
    typer.echo(f"public key  {public_key}")


def heads(*, as_json: AsJson = False) -> None:
    """List the heads that the office kept, one for each day; exit 1 if a file of them is none.

    Copy the folder to where others keep it: who can write the office's files can delete it.
    """
    from office.erasure.head_files import kept_heads  # noqa: PLC0415  # cryptography is heavy

    folder = settings().receipt_heads_dir
    found, faults = kept_heads(folder)
    if as_json:
        listed = [msgspec.to_builtins(head) for head in found]
        print_json({"folder": str(folder), "heads": listed, "faults": faults})
    else:
        typer.echo(
            "\n".join(f"{head.day}  {head.number:>6}  {head.hash}" for head in found) or NO_HEADS
        )
        for fault in faults:
            typer.secho(fault, fg="red")
    if faults:
        raise typer.Exit(FAILS)


def verify(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A chain, as `receipts export` writes it; without it, the office's own."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="HEX", help="Public key; default: of the key in the state folder."
        ),
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            "--head", metavar="FILE", help="A head as `receipts head --json` printed it once."
        ),
    ] = None,
    former: Annotated[
        list[str] | None,
        typer.Option(
            "--former",
            metavar="HEX",
            help="A public key of before, if the key was lost; repeatable.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--heads",
            metavar="FOLDER",
            help="A folder of daily heads, as the office keeps them in receipt_heads; each counts.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a chain of receipts offline: no byte changed, no entry missing, moved or foreign.

    A tail that was cut, and an older copy of the chain, show against heads alone that were kept
    before. The office's own chain is held against the heads in the state folder, if there are any.
    """
    from office.erasure.receipt_chain import file_of, new_keys, read  # noqa: PLC0415  # as above
    from office.erasure.receipt_chain import verify as faults_of  # noqa: PLC0415  # likewise

    content = file_of(asyncio.run(_receipts(settings()))) if file is None else _bytes_of(file)
    known, faults = _known_heads(head, folder, own=file is None)
    keys = [_public_key(one) for one in former or ()]
    faults += faults_of(content, _public_key(key), *known, former=keys)
    number, begin = len(read(content)[0]), new_keys(content)
    if as_json:
        facts = {"whole": not faults, "receipts": number, "heads": len(known), "new_keys": begin}
        print_json(facts | {"faults": faults})
    else:
        for at in begin:
            typer.secho(NEW_KEY.format(number=at), fg="yellow")
        if begin and not keys:
            typer.secho(NO_FORMER, fg="yellow")
        for fault in faults:
            typer.secho(fault, fg="red")
        if not faults:
            typer.echo(f"{number} receipts, {WHOLE}")
        if known:
            typer.echo(f"held against {len(known)} heads")
        else:
            typer.echo(NO_HEAD)
    if faults:
        raise typer.Exit(FAILS)


async def _receipts(current: "Settings") -> "Sequence[Receipt]":
    from office.erasure.receipts import all_receipts  # noqa: PLC0415  # the toolkit is heavy
    from office.store.database import Database  # noqa: PLC0415  # likewise

    async with Database.opened(current.office_path) as database:
        return await all_receipts(database)


async def _head(current: "Settings") -> "tuple[Head, str]":
    from office.erasure.receipts import head as head_of_chain  # noqa: PLC0415  # as above
    from office.erasure.signing import Signer  # noqa: PLC0415  # likewise
    from office.store.database import Database  # noqa: PLC0415  # likewise

    async with Database.opened(current.office_path) as database:
        signer = await asyncio.to_thread(Signer.opened, current.receipt_key_file)
        found = await head_of_chain(database, signer.sign, wall_ms())
    return found, signer.public_key.hex()


def _public_key(text: str | None) -> bytes:
    if text is not None:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(text) != KEY_CHARS or len(key) * 2 != KEY_CHARS:
            usage("a public key is what `roadfade receipts head` shows, 64 hexadecimal digits")
        return key
    from office.erasure.signing import Signer  # noqa: PLC0415  # cryptography is heavy

    file = settings().receipt_key_file
    if not file.is_file():
        msg = f"there is no key of receipts in {file.parent}: give the public key (--key)"
        raise NotReady(msg)
    return Signer.opened(file).public_key


def _bytes_of(file: Path) -> bytes:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            usage(f"{file} is larger than a chain of receipts may be, {FILE_BYTES_MAX} bytes")
        return file.read_bytes()
    except OSError as error:
        usage(f"cannot read {file}: {error.strerror}; name a file of receipts")


def _head_in(file: Path) -> "Head":
    from office.erasure.receipt_chain import Head  # noqa: PLC0415  # cryptography is heavy

    try:
        told: dict[str, Any] = msgspec.json.decode(_bytes_of(file), type=dict[str, Any])
        told.pop("public_key", None)
        return msgspec.convert(told, Head)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        usage(f"{file} holds no head, as `roadfade receipts head --json` prints it")


def _known_heads(
    head: Path | None, folder: Path | None, *, own: bool
) -> "tuple[list[Head], list[str]]":
    """The heads to hold a chain against, and which files hold none; exit 2 if none are there.

    ``own``: the office's own chain, whose heads lie beside it.
    """
    from office.erasure.head_files import kept_heads  # noqa: PLC0415  # as above

    found, faults = [] if head is None else [_head_in(head)], list[str]()
    if folder is None and own:
        folder, named = settings().receipt_heads_dir, False
    else:
        named = True
    if folder is not None:
        kept = kept_heads(folder)
        if named and not (kept.heads or kept.faults):
            usage(HEADS_MISSING.format(folder=folder))
        found += kept.heads
        faults += kept.faults
    return found, faults


def _line(entry: "Entry") -> str:
    where = " ".join(filter(None, (entry.copy, entry.output)))
    rows = "" if entry.located_before is None else f" {entry.located_before}"
    after = "" if entry.located_after is None else f" → {entry.located_after}"
    told = f"{entry.number:>6}  {format_instant(entry.at_ms)}  {entry.erasure}  {entry.what}"
    return f"{told}  {where}{rows}{after}".rstrip()
