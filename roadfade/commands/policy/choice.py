"""Which document a policy command asks: one that holds, or its problems and exit 1."""

import os
from collections.abc import Mapping
from pathlib import Path

from policy.compiled import CompiledPolicy
from policy.compiler.compile import Compiled, compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.language.problems import Problem
from policy.plan.limits import Limits
from roadfade.commands.policy.as_json import check_json
from roadfade.in_force.documents import (
    UnreadableError,
    load_catalogue,
    load_files,
    shipped_policy_path,
)
from roadfade.in_force.parsed_files import parsed_files
from roadfade.terminal.answers import refuse, settings, usage


def compiled_at(path: Path | None) -> Compiled:
    """The document in this folder (None: the shipped one), compiled; exits if there is none."""
    try:
        files = load_files(path or shipped_policy_path())
    except NotADirectoryError as error:
        usage(str(error))
    except UnreadableError as error:
        return Compiled(None, error.problems)
    document = _parsed(files)
    if not isinstance(document, Document):
        return Compiled(None, document)
    return compile_plan(document, load_catalogue(), Limits())


def _parsed(files: Mapping[str, str]) -> Document | tuple[Problem, ...]:
    """The texts parsed, or as they were parsed before: that is most of a command's time."""
    state_dir = settings().state_dir
    # Without a state folder nothing is kept, and none is made for it.
    if not os.path.isdir(state_dir):  # noqa: PTH112  # a folder that may not be entered is none
        return parse(files)
    with parsed_files(state_dir) as read:
        return parse(files, read)


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
