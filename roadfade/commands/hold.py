"""``roadfade hold …``: legal holds, placed, reviewed, opened and released by officers.

In: the opaque id of a person or a dongle, a basis, who does it. Out: numbers, dates and counts;
with ``open`` a folder of files. No identifier of a person or a vehicle is printed.
"""

from pathlib import Path
from typing import Annotated

import typer

from roadfade.terminal.answers import carry_out
from roadfade.terminal.arguments import AsJson, instant

Hold = Annotated[str, typer.Argument(help="The hold's number, as `hold list` shows it.")]
By = Annotated[str, typer.Option("--by", help="Who does it: an officer's name or number.")]
Review = Annotated[
    int,
    typer.Option(
        "--review", parser=instant, metavar="INSTANT", help="By when somebody looks at it again."
    ),
]


def place(
    ctx: typer.Context,
    *,
    basis: Annotated[
        str,
        typer.Option(
            "--basis",
            help="Why: tax_or_company_books, litigation, request_or_complaint, breach_case,"
            " preservation_request or authority_order.",
        ),
    ],
    reference: Annotated[
        str, typer.Option("--reference", help="Where the case is found: a file number, no name.")
    ],
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")],
    review: Review,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Opaque id of the person.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="Only this vehicle's dongle; its opaque id.")
    ] = None,
    purpose: Annotated[
        list[str] | None, typer.Option("--purpose", help="Only this purpose; may be repeated.")
    ] = None,
    from_: Annotated[
        int | None,
        typer.Option("--from", parser=instant, metavar="INSTANT", help="Readings from then on."),
    ] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", parser=instant, metavar="INSTANT", help="Readings before then."),
    ] = None,
    end: Annotated[
        int | None,
        typer.Option("--end", parser=instant, metavar="INSTANT", help="It is released by itself."),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until all is copied.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Have readings copied into a sealed store, and kept there although they go.

    Deletion goes on; nobody may use what is held; what has expired is not revived. Without --to
    what comes is held, too.
    """
    from roadfade.commands.hold_desk import Asked, place_hold  # noqa: PLC0415  # heavy

    asked = Asked(
        basis, reference, owner, review, subject, device, tuple(purpose or ()), from_, to, end
    )
    carry_out(lambda: place_hold(ctx, asked, wait_s=wait, as_json=as_json))


def list_all(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List every legal hold: why, until when, and whether it has to be reviewed."""
    from roadfade.commands.hold_desk import list_placed  # noqa: PLC0415  # heavy

    carry_out(lambda: list_placed(ctx, as_json=as_json))


def show(ctx: typer.Context, *, hold: Hold, as_json: AsJson = False) -> None:
    """Show a legal hold: what each store has copied, since when, and who did what."""
    from roadfade.commands.hold_desk import show_one  # noqa: PLC0415  # heavy

    carry_out(lambda: show_one(ctx, hold, as_json=as_json))


def review(
    ctx: typer.Context, *, hold: Hold, by: By, next_review: Review, as_json: AsJson = False
) -> None:
    """Say that a legal hold is still needed, and by when somebody looks again."""
    from roadfade.commands.hold_desk import review_hold  # noqa: PLC0415  # heavy

    carry_out(lambda: review_hold(ctx, hold, by, next_review, as_json=as_json))


def release(ctx: typer.Context, *, hold: Hold, by: By, as_json: AsJson = False) -> None:
    """Let a legal hold go: its keys are destroyed and its copies deleted. There is no way back."""
    from roadfade.commands.hold_desk import release_hold  # noqa: PLC0415  # heavy

    carry_out(lambda: release_hold(ctx, hold, by, as_json=as_json))


def open_hold(
    ctx: typer.Context,
    *,
    hold: Hold,
    to: Annotated[Path, typer.Option("--to", help="A folder for the files; new, or empty.")],
    by: By,
    copies: Annotated[
        Path | None,
        typer.Option("--copies", help="Where the sealed copies are; else where sinks keep them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write what a legal hold keeps, for the officer who asks; it is written down who did.

    The files identify the person: they are for the case that the hold names, and for nothing else.
    """
    from roadfade.commands.hold_desk import open_held  # noqa: PLC0415  # heavy

    carry_out(lambda: open_held(ctx, hold, to, by, copies, as_json=as_json))
