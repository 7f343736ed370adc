"""Which document a policy command asks: one that holds, or its problems and exit 1."""

from pathlib import Path

from policy.compiled import CompiledPolicy
from policy.compiler.compile import Compiled, compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from roadfade.commands.policy.as_json import check_json
from roadfade.in_force.documents import (
    UnreadableError,
    load_catalogue,
    load_files,
    shipped_policy_path,
)
from roadfade.terminal.answers import refuse, usage


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


def policy_or_exit(path: Path | None) -> CompiledPolicy:
    """A document that holds, with its plan; else its problems are shown and the command fails."""
    compiled = compiled_at(path)
    if compiled.policy is None:
        problems = compiled.problems
        refuse(
            "the policy does not hold",
            facts=check_json(None, problems),
            lines=[str(problem) for problem in problems],
        )
    return compiled.policy
