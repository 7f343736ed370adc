"""Which document a policy command asks: one that holds, or its problems and exit 1."""

from pathlib import Path

import typer
from rich.console import Console

from policy.compiled import CompiledPolicy
from policy.compiler.compile import Compiled, compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from roadfade.commands.policy.as_json import check_json
from roadfade.commands.policy.screens import problem_lines
from roadfade.in_force.documents import (
    UnreadableError,
    load_catalogue,
    load_files,
    shipped_policy_path,
)
from roadfade.terminal.answers import FAILS, print_json, usage


def compiled_at(path: Path | None) -> Compiled:
    """The document in this folder (None: the shipped one), compiled; exits if there is none."""
    try:
        files = load_files(path or shipped_policy_path())
    except NotADirectoryError as error:
        usage(str(error))
    except UnreadableError as error:
        return Compiled(None, error.problems)
    document = parse(files)
    if not isinstance(document, Document):
        return Compiled(None, document)
    return compile_plan(document, load_catalogue(), Limits())


def policy_or_exit(path: Path | None, *, as_json: bool) -> CompiledPolicy:
    """A document that holds, with its plan; else its problems are shown and the command fails."""
    compiled = compiled_at(path)
    if compiled.policy is None:
        if as_json:
            print_json(check_json(None, compiled.problems))
        else:
            for line in problem_lines(compiled.problems):
                Console(stderr=True).print(line)
        raise typer.Exit(FAILS)
    return compiled.policy
