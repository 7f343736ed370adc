"""Which document a policy command asks, and how it answers: 0 holds, 1 fails, 2 wrong usage."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from policy.compile import Compiled, compile_plan
from policy.document import Document
from policy.limits import Limits
from policy.parse import parse
from policy.plan import Plan
from policy.renderings import check_json
from roadfade.documents import UnreadableError, load_catalogue, load_files, shipped_policy_path
from roadfade.policy_screens import problem_lines
from roadfade.typed import role
from telemetry.control import Role

FAILS: Final = 1
USAGE: Final = 2


class Lang(StrEnum):
    """Languages of pages."""

    EN = "en"
    JA = "ja"


PolicyPath = Annotated[
    Path | None, typer.Option("--policy", help="A document's folder; default: the shipped one.")
]
_WHAT: Final = "What the person is to the vehicle, as minor"
AsRole = Annotated[Role, typer.Option("--role", parser=role, metavar="ROLE", help=f"{_WHAT}.")]
AsAnyRole = Annotated[
    Role | None,
    typer.Option(
        "--role", parser=role, metavar="ROLE",
        help=f"{_WHAT}; without it: a role that no forbid names.",
    ),
]  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def compiled_at(path: Path | None) -> tuple[Document | None, Compiled]:
    """The document in this folder (None: the shipped one), compiled; exits where there is none."""
    try:
        files = load_files(path or shipped_policy_path())
    except NotADirectoryError as error:
        usage(str(error))
    except UnreadableError as error:
        return None, Compiled(None, error.problems)
    document = parse(files)
    if not isinstance(document, Document):
        return None, Compiled(None, document)
    return document, compile_plan(document, load_catalogue(), Limits())


def plan_or_exit(path: Path | None, *, as_json: bool) -> tuple[Document, Plan]:
    """A document that holds, with its plan; else its problems are shown and the command fails."""
    document, compiled = compiled_at(path)
    if document is None or compiled.plan is None:
        if as_json:
            print_json(check_json(None, compiled.problems))
        else:
            for line in problem_lines(compiled.problems):
                Console(stderr=True).print(line)
        raise typer.Exit(FAILS)
    return document, compiled.plan


def usage(message: str) -> NoReturn:
    """Say what was asked wrongly, and exit so."""
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
