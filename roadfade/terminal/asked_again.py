"""What an operator is told of requests that an office asks again, after a restore or a rebuild."""

from typing import Final

import typer

UNASKED: Final = (
    "{count:,} requests for a part of people with several vehicles are not asked again, since it "
    "is not remembered of which vehicle: what comes late is withheld; ask for them once more"
)


def show_asked_again(asked: int, unasked: int) -> None:
    """Say how many requests for a part are asked again, and how many have to be by people."""
    if asked:
        typer.echo(f"{asked:,} requests for a part are asked again")
    if unasked:
        typer.secho(UNASKED.format(count=unasked), fg="yellow")
