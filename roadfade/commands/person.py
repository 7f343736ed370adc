"""``roadfade person …``: what is kept of one person, shown, exported, stopped and erased.

In: the opaque id of a person, typed by whoever answers them. Out: counts, row ids and files. No
identifier is printed, not even the one that was typed: terminals and job logs are kept.
"""

from pathlib import Path
from typing import Annotated

import typer

from roadfade.terminal.answers import carry_out
from roadfade.terminal.arguments import AsJson, instant
from roadfade.terminal.arguments import role as typed_role
from telemetry.wire.control import Role

Subject = Annotated[str, typer.Option("--subject", help="Opaque id of the person.")]
OneVehicle = Annotated[
    str | None, typer.Option("--device", help="Only this dongle's readings; its opaque id.")
]
Since = Annotated[
    int | None,
    typer.Option("--from", parser=instant, metavar="INSTANT", help="Only readings from then on."),
]
Until = Annotated[
    int | None,
    typer.Option("--to", parser=instant, metavar="INSTANT", help="Only readings before then."),
]
Purposes = Annotated[
    list[str] | None, typer.Option("--purpose", help="Only this purpose; may be repeated.")
]


def show(
    ctx: typer.Context,
    *,
    subject: Subject,
    device: OneVehicle = None,
    from_: Since = None,
    to: Until = None,
    purpose: Purposes = None,
    as_json: AsJson = False,
) -> None:
    """Show how much is kept of a person, by purpose and recipient; changes nothing."""
    from roadfade.commands.person_reads import scope_of, show_person  # noqa: PLC0415  # heavy

    scope = scope_of(subject, device, from_, to, purpose)
    carry_out(lambda: show_person(ctx, scope, as_json=as_json))


def export(
    ctx: typer.Context,
    *,
    subject: Subject,
    into: Annotated[Path, typer.Option("--into", help="A folder for the files; new, or empty.")],
    device: OneVehicle = None,
    from_: Since = None,
    to: Until = None,
    purpose: Purposes = None,
    as_json: AsJson = False,
) -> None:
    """Write all readings of a person as CSV, JSON and a page to read, in Japanese and English.

    The files identify the person: give them to nobody else.
    """
    from roadfade.commands.person_reads import export_person, scope_of  # noqa: PLC0415  # heavy

    scope = scope_of(subject, device, from_, to, purpose)
    carry_out(lambda: export_person(ctx, scope, into, as_json=as_json))


def erase(
    ctx: typer.Context,
    *,
    subject: Subject,
    device: OneVehicle = None,
    from_: Since = None,
    to: Until = None,
    purpose: Purposes = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would go; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until every store is done.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Have a person's readings removed from every copy, and kept out from now on.

    Without --device, --from, --to and --purpose the person is forgotten, with links and consents.
    The office process carries it out; `person requests` tells how far it is.
    """
    from roadfade.commands.person_asks import erase_person  # noqa: PLC0415  # heavy
    from roadfade.commands.person_reads import scope_of, show_person  # noqa: PLC0415  # heavy

    scope = scope_of(subject, device, from_, to, purpose)
    if dry_run:
        carry_out(lambda: show_person(ctx, scope, as_json=as_json))
    else:
        carry_out(lambda: erase_person(ctx, scope, yes=yes, wait_s=wait, as_json=as_json))


def requests(ctx: typer.Context, *, subject: Subject, as_json: AsJson = False) -> None:
    """List what was asked to be removed of a person: how far it is, and what it waits for."""
    from roadfade.commands.person_asks import list_requests  # noqa: PLC0415  # heavy

    carry_out(lambda: list_requests(ctx, subject, as_json=as_json))


def stop(
    ctx: typer.Context,
    *,
    subject: Subject,
    purpose: Annotated[
        str | None, typer.Option("--purpose", help="Only this purpose; without it, every one.")
    ] = None,
    recipient: Annotated[
        str | None, typer.Option("--recipient", help="Only this recipient of the purpose.")
    ] = None,
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until it is published.")
    ] = 0,
) -> None:
    """Keep a person's readings back from now on, as they object (APPI Art. 35, GDPR Art. 21).

    What was passed on before stays until its end; `person erase` removes it.
    """
    from roadfade.commands.person_stops import stop_person  # noqa: PLC0415  # heavy

    carry_out(lambda: stop_person(ctx, subject, purpose, recipient, wait_s=wait, as_json=as_json))


def resume(
    ctx: typer.Context,
    *,
    restriction: Annotated[str, typer.Argument(help="The row id that `person stop` answered.")],
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until it is published.")
    ] = 0,
) -> None:
    """End an objection: from now on the person's readings are passed on again."""
    from roadfade.commands.person_stops import resume_person  # noqa: PLC0415  # heavy

    carry_out(lambda: resume_person(ctx, restriction, wait_s=wait, as_json=as_json))


def correct(
    ctx: typer.Context,
    *,
    subject: Subject,
    device: Annotated[str, typer.Option("--device", help="The dongle; its opaque id.")],
    from_: Annotated[
        int, typer.Option("--from", parser=instant, metavar="INSTANT", help="From then on.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="One word, as sold_earlier; never a sentence.")
    ],
    to: Annotated[
        int | None,
        typer.Option(
            "--to", parser=instant, metavar="INSTANT", help="Until then; without it, for good."
        ),
    ] = None,
    whose: Annotated[
        str | None, typer.Option("--whose", help="Opaque id of the person who had the vehicle.")
    ] = None,
    nobody: Annotated[
        bool, typer.Option("--nobody", help="It is not known who had the vehicle.")
    ] = False,
    role: Annotated[
        Role | None,
        typer.Option(
            "--role",
            parser=typed_role,
            metavar="ROLE",
            help="What --whose is to the vehicle, as driver; default: unknown, not confirmed.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would go; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    as_json: AsJson = False,
) -> None:
    """Correct whose a vehicle's readings are in an interval (APPI Art. 34).

    The person's link is cut. What was kept for them in the interval is removed from every store, as
    an erasure is; it cannot be moved to somebody else. What comes from now on is of --whose.
    """
    from roadfade.commands.person_corrects import (  # noqa: PLC0415  # heavy
        Asking,
        correct_person,
        require_whose,
    )
    from roadfade.commands.person_reads import scope_of, show_person  # noqa: PLC0415  # heavy

    scope = scope_of(subject, device, from_, to, None)
    asking = Asking(subject, device, from_, to, whose, nobody, reason, role)
    if dry_run:
        require_whose(asking)
        carry_out(lambda: show_person(ctx, scope, as_json=as_json))
    else:
        carry_out(lambda: correct_person(ctx, asking, yes=yes, as_json=as_json))


def notified(
    ctx: typer.Context,
    *,
    request: Annotated[
        str | None, typer.Option("--request", help="Number of the request, or row of an objection.")
    ] = None,
    recipient: Annotated[
        str | None, typer.Option("--recipient", help="Who was told, as the policy names them.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Who told them: a name or an office, one line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put on record that a recipient outside was told of a request; without options, list them.

    No request waits for it: who has to be told is the office's list of work.
    """
    from roadfade.commands.person_tells import notified as tell  # noqa: PLC0415  # heavy

    carry_out(lambda: tell(ctx, request, recipient, by, as_json=as_json))
