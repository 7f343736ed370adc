"""``roadfade receipts certificate``: one request of erasure as a page that a person can read.

In: the request's number, or a person's nonce and id. Out: one HTML file that names nobody. Exit 1
if there is no such request, or the chain of receipts is not whole.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from office.errors import OfficeError
from roadfade.terminal.answers import print_json, usage
from roadfade.terminal.arguments import AsJson

if TYPE_CHECKING:
    from office.erasure.certified import Certified
    from office.store.database import Database


def certificate(
    ctx: typer.Context,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write the page.")],
    request: Annotated[
        str | None, typer.Option("--request", help="Number of the request, as receipts have it.")
    ] = None,
    nonce: Annotated[
        str | None,
        typer.Option("--nonce", metavar="HEX", help="The number that was for the person alone."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="With --nonce: opaque id of the person.")
    ] = None,
    locale: Annotated[
        Literal["ja", "en"], typer.Option("--locale", help="Language of the page.")
    ] = "ja",
    as_json: AsJson = False,
) -> None:
    """Write what became of one request of erasure as a page to read and to print."""
    from office.erasure.certified import NOT_YET, certified, opened_by  # noqa: PLC0415  # heavy, as below
    from office.erasure.signing import Signer  # noqa: PLC0415
    from roadfade.commands.office_desk import desk_of  # noqa: PLC0415
    from roadfade.person.asking import versions  # noqa: PLC0415
    from roadfade.person.certificate import certificate_page  # noqa: PLC0415
    from roadfade.terminal.answers import settings  # noqa: PLC0415
    from telemetry.instants import SECOND_MS  # noqa: PLC0415

    if (request is None) == (nonce is None) or (nonce is None) != (subject is None):
        usage("give --request, or --nonce together with --subject")
    secret = _bytes_in(nonce)
    desk, current = desk_of(ctx), settings()

    async def work(database: "Database") -> "Certified":
        number = request or await opened_by(database, secret, subject or "")
        if not await asyncio.to_thread(current.receipt_key_file.is_file):
            raise OfficeError(NOT_YET)
        signer = await asyncio.to_thread(Signer.opened, current.receipt_key_file)
        view_ms = current.view_age_s_max * SECOND_MS
        sign, key = signer.sign, signer.public_key
        return await certified(database, number, sign, key, view_ms, desk.now_ms())

    found = desk.on_database(work)
    plans, policy = versions(current, desk.now_ms())
    try:
        to.write_text(certificate_page(found, policy, plans, locale), encoding="utf-8")
    except OSError as error:
        usage(
            f"cannot write the file of --to: {error.strerror}; name one in a folder you may write"
        )
    if as_json:
        print_json({"request": found.overview.erasure, "receipts": len(found.receipts)})
    else:
        typer.echo(f"request {found.overview.erasure}: {len(found.receipts)} receipts on the page")


def _bytes_in(nonce: str | None) -> bytes:
    try:
        return bytes.fromhex(nonce or "")
    except ValueError:
        usage("--nonce is a number of hexadecimal digits, as `person erase` printed it")
