"""``roadfade person correct``: readings of an interval were another person's, or nobody's.

One transaction cuts the links and asks for what was kept to be removed; nothing is moved. Exit 0:
done. 1: refused.
"""

import sys
from typing import Final, NamedTuple

import typer

from office.registry.corrections import Corrected, Correction, correct
from office.store.database import Database
from roadfade.commands.office_desk import desk_of
from roadfade.commands.person_asks import NOT_ASKED
from roadfade.commands.person_tells import facts_of, say_to_notify, to_notify
from roadfade.refusal import Refusal
from roadfade.terminal.answers import print_json, usage
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import Role

MEANT: Final = (
    "Readings that were kept for this person in the interval will be removed, not moved. Go on?"
)
WHOSE: Final = "say whose the readings are: --whose with an opaque id, or --nobody"
MOVED: Final = (
    "what was kept is removed, and cannot be given to anybody: raw data has ended. Readings that "
    "come from now on, late ones of the interval included, are "
)
ANOTHERS: Final = "the other person's"
NOBODYS: Final = "nobody's, and withheld"


class Asking(NamedTuple):
    """The words of the command."""

    subject: str
    device: str
    from_ms: int
    to_ms: int | None
    whose: str | None
    nobody: bool
    reason: str
    role: Role | None


def correct_person(ctx: typer.Context, asking: Asking, *, yes: bool, as_json: bool) -> None:
    """Correct, and say what was done; exit 2 if it is not said whose the readings are.

    Refusal if nobody said that it is meant; OfficeError as ``corrections.correct``.
    """
    require_whose(asking)
    if not yes:
        if not sys.stdin.isatty():
            raise Refusal(NOT_ASKED)
        typer.confirm(MEANT, abort=True)
    desk = desk_of(ctx)
    one = Correction(
        SubjectId(asking.subject),
        DeviceId(asking.device),
        asking.from_ms,
        asking.to_ms,
        None if asking.whose is None else SubjectId(asking.whose),
        asking.reason,
        asking.role,
    )

    async def work(database: Database) -> Corrected:
        async with database.writing() as connection:
            return await correct(connection, one, desk.now_ms())

    done = desk.on_database(work)
    found = to_notify(desk, one.subject, ())
    nonce = None if done.asked.nonce is None else done.asked.nonce.hex()
    if as_json:
        print_json(
            {
                "erasure": done.asked.erasure,
                "for_the_person": nonce,
                "links": {"cut": done.cut, "parted": done.parted, "given": done.given},
                "to_notify": facts_of(found),
            }
        )
        return
    typer.echo(f"asked {done.asked.erasure}")
    for word, rows in (("cut", done.cut), ("parted", done.parted), ("given", done.given)):
        for row in rows:
            typer.echo(f"{word} {row}")
    typer.echo(MOVED + (NOBODYS if asking.whose is None else ANOTHERS))
    if nonce is not None:
        typer.echo(f"for the person alone, to show that receipts of it are theirs: {nonce}")
    say_to_notify(found)


def require_whose(asking: Asking) -> None:
    """Exit 2 unless it is said whose the readings are."""
    if (asking.whose is None) is not asking.nobody:
        usage(WHOSE)
    if asking.role is not None and asking.nobody:
        usage("--role is of whoever had the vehicle: name them with --whose")
