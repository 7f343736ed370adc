"""The one error of the front door, and what every command begins and ends with."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

import typer

if TYPE_CHECKING:
    from roadfade.settings import Settings

NOT_PUBLISHED: Final = (
    "recorded, but the workers were not told in time: see that the office process runs "
    "(roadfade status); it publishes what waits, nothing needs repeating"
)


class Refusal(Exception):  # noqa: N818  # said of what was asked for, as in "refused: …"
    """One sentence for the person at the keyboard: what is wrong, where, and what to do.

    It never quotes a payload or an identifier.
    """

    said: ClassVar[str] = "refused"


class Unready(Refusal):
    """Why a process must not start, and the remedy."""

    said = "not started"


def carry_out(work: Callable[[], None], *, as_json: bool = False) -> None:
    """Do the work; a refusal is told in one sentence, and the exit code is 1."""
    try:
        work()
    except Refusal as refusal:
        if as_json:
            say_json({"refused": str(refusal)})
        else:
            typer.secho(f"{refusal.said}: {refusal}", fg="red", err=True)
        raise typer.Exit(1) from None


def say_json(facts: dict[str, Any]) -> None:
    """One object on standard output."""
    typer.echo(json.dumps(facts, ensure_ascii=False))


def settings() -> "Settings":
    """Read the settings; a usage error naming what is wrong where they do not hold."""
    from pydantic import ValidationError  # noqa: PLC0415  # heavy; --help needs no settings

    from roadfade.settings import Settings  # noqa: PLC0415  # likewise

    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = "ROADFADE_" + "_".join(map(str, fault["loc"])).upper()
            typer.secho(f"setting {name}: {fault['msg']}", fg="red", err=True)
        raise typer.Exit(2) from None
