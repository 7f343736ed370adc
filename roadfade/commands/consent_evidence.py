"""``roadfade consent evidence``: that there were consents whose rows have left the register.

In: the officers' file; a person's secret number and id, if it is asked whose a row is. Out: rows
that name nobody, not even who was typed. Exit 1 if no row is opened.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roadfade.terminal.answers import FAILS, carry_out, print_json, settings, usage
from roadfade.terminal.arguments import AsJson
from telemetry.instants import format_instant

if TYPE_CHECKING:
    from office.consent_evidence.rows import EvidenceRow

NONE: Final = "there is no evidence of a consent that left the register"
NOT_OPENED: Final = (
    "no row is opened by that number and that id: check both; evidence ends by its day, and may "
    "never have been kept (`roadfade policy explain`)"
)


def list_evidence(*, as_json: AsJson = False) -> None:
    """List evidence of consents that left the register: to what, when, and until when it stays.

    Nobody stands in it; `verify` shows that a row is somebody's who wants that to be shown.
    """
    carry_out(lambda: _list(as_json=as_json))


def verify(
    *,
    subject: Annotated[str, typer.Option("--subject", help="Opaque id of the person.")],
    nonce: Annotated[
        str,
        typer.Option("--nonce", metavar="HEX", help="The number that was for the person alone."),
    ],
    number: Annotated[
        str | None, typer.Option("--number", help="Only the row of this number, as `list` has it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which evidence is a person's, by the secret number that only they were given.

    That is what `person erase` answered, or stands beside each consent in what `person export`
    wrote. Exit 1 if it opens none.
    """
    carry_out(lambda: _verify(subject, _bytes_in(nonce), number, as_json=as_json))


def _list(*, as_json: bool) -> None:
    found = _rows(None)
    _say(found, as_json=as_json)
    if not found and not as_json:
        typer.echo(NONE)


def _verify(subject: str, nonce: bytes, number: str | None, *, as_json: bool) -> None:
    from office.erasure.consent_moves import opened  # noqa: PLC0415  # heavy

    mine = opened(_rows(number), nonce, subject)
    _say(mine, as_json=as_json)
    if not mine:
        typer.echo(NOT_OPENED, err=True)
        raise typer.Exit(FAILS)


def _rows(number: str | None) -> "list[EvidenceRow]":
    from office.consent_evidence.officers_file import OfficersFile  # noqa: PLC0415  # as above
    from roadfade.clock import judging_clock  # noqa: PLC0415  # as above

    current = settings()
    file = OfficersFile(current.consent_evidence_path)
    return file.rows(judging_clock(current.fixed_now_ms)(), number) if file.found() else []


def _say(rows: "list[EvidenceRow]", *, as_json: bool) -> None:
    if as_json:
        print_json({"evidence": [_told(one) for one in rows]})
    elif rows:
        typer.echo("\n".join(map(_line, rows)))


def _told(row: "EvidenceRow") -> dict[str, Any]:
    return {
        "number": row.number,
        "purpose": row.purpose,
        "basis": row.basis,
        "recipient": row.recipient,
        "notice": row.notice,
        "given": row.given_day,
        "ended": row.ended_day,
        "kept_until": format_instant(row.ends_ms),
        "opening": row.opening,
    }


def _line(row: "EvidenceRow") -> str:
    to = f" to {row.recipient}" if row.recipient else ""
    given = f"{row.purpose}: {row.basis}{to} under {row.notice}"
    days = f"given {row.given_day}, ended {row.ended_day}"
    return f"evidence {row.number}  {given}: {days}, kept until {format_instant(row.ends_ms)}"


def _bytes_in(nonce: str) -> bytes:
    try:
        return bytes.fromhex(nonce)
    except ValueError:
        usage("--nonce is a number of hexadecimal digits, as `person erase` printed it")
