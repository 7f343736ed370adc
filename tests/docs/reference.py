"""The page of all commands, made from the command line itself.

``python -m tests.docs.reference`` writes it anew; a test fails if it is not what would be made.
"""

from collections.abc import Iterator
from typing import Any, Final

import typer

from roadfade.cli import app
from roadfade.terminal.deferred import DeferredCommand
from tests.docs.pages import REPOSITORY

PAGE: Final = "docs/commands.md"
ROOT: Final[Any] = typer.main.get_command(app)
HEAD: Final = """\
# Commands

Made by `python -m tests.docs.reference` from the commands themselves; `--help` says the same. Exit
code 0: done. 1: refused, or something is wrong. 2: asked wrongly.
"""


def children(command: Any) -> dict[str, Any]:
    """The commands of a group, by name; empty for a command."""
    found: dict[str, Any] = getattr(command, "commands", {})
    deferred = {n: one for n, one in found.items() if isinstance(one, DeferredCommand)}
    return found | {name: one.loaded() for name, one in deferred.items()}


def leaves(command: Any = ROOT, path: str = "roadfade") -> Iterator[tuple[str, Any]]:
    """Every command with its words, in the order of the alphabet."""
    for name, child in sorted(children(command).items()):
        yield from leaves(child, f"{path} {name}")
    if not children(command):
        yield path, command


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, *(section(path, command) for path, command in leaves())])


def section(path: str, command: Any) -> str:
    """One command: what it does, what it takes."""
    lines = [f"## {path}", "", (command.help or "").strip(), ""]
    rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["| option | |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


def row(parameter: Any) -> str:
    """One option or argument, whether it must be given, its help."""
    argument = parameter.param_type_name == "argument"
    metavar = (parameter.metavar or parameter.name).strip("{}[]").upper()
    name = metavar if argument else parameter.opts[0]
    said = getattr(parameter, "help", None) or ""
    needed = "Needed. " if parameter.required else ""
    return f"| `{name}` | {needed}{said.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    (REPOSITORY / PAGE).write_text(page(), encoding="utf-8")
