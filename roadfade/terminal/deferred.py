"""Commands that are imported when they are called; ``--help`` lists them without that.

After the lazily loaded subcommands of click's own documentation: what commands need
(clients, engines, decoders, the policy language) takes seconds to import, and no command needs
all of it.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.resources import files
from inspect import cleandoc
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from roadfade.terminal.answers import USAGE, answering, answers_as_json, carry_out, usage

_JSON: Final = "--json"
HELP: Final = ("-h", "--help")
"""What asks for help, of the whole and of every command below it."""


class AnsweringCommand(TyperCommand):
    """A command whose refusals are JSON if that was asked for, whoever raises them."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Read the arguments; what is wrong with them is refused as everything else is."""
        asked = any(_JSON in one.opts for one in self.params) and _JSON in args
        words = " ".join((parent.command_path if parent else "", info_name or "")).strip()
        with answering(as_json=asked), _asked_well(words):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run it; no refusal leaves it as a traceback."""
        run = super().invoke
        with answering(as_json=ctx.params.get("as_json", False)), _asked_well(ctx.command_path):
            carry_out(lambda: run(ctx))


@contextmanager
def _asked_well(words: str) -> Iterator[None]:
    """What is wrong with arguments is refused as everything else is, if JSON was asked for."""
    try:
        yield
    except typer.TyperException as error:
        if not answers_as_json() or getattr(error, "exit_code", None) != USAGE:
            raise
        said = getattr(error, "format_message", error.__str__)().rstrip(".")
        usage(f"{said}; `{words} --help` lists what it takes")


class DeferredCommand(TyperCommand):
    """Stands in for a command until it is called, or asked for its own help."""

    def __init__(self, name: str, function: str) -> None:
        super().__init__(name, rich_markup_mode=None)
        self._module, _, self._function = function.partition(":")

    def loaded(self) -> Any:
        """The command itself, with its options. Imports its module."""
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(self.name, cls=AnsweringCommand)(
            getattr(import_module(self._module), self._function)
        )
        return typer.main.get_command(alone)

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the command itself, which is the one that runs from here on."""
        return self.loaded().make_context(info_name, args, parent, **extra)

    def get_short_help_str(self, limit: int = 0) -> str:
        """The docstring's first paragraph, whole: a list may break it, but not cut it."""
        del limit
        text = cleandoc(_docstrings(self._module)[self._function])
        return " ".join(text.partition("\n\n")[0].split())


@cache
def _docstrings(module: str) -> Mapping[str, str]:
    """The docstrings of a module's functions, read from its source: nothing is imported."""
    package, _, stem = module.rpartition(".")
    source = (files(package) / f"{stem}.py").read_text(encoding="utf-8")
    functions = (one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef))
    return {one.name: ast.get_docstring(one) or "" for one in functions}


def app_of(
    text: str,
    commands: Mapping[str, str],
    *,
    name: str | None = None,
    completes: bool = False,
    alone: str | None = None,
    version: Callable[[], str] | None = None,
) -> typer.Typer:
    """A command line: its help, and each command's function by name, as ``module:function``.

    ``alone`` is the function that is called if no command is named; without it the help is shown.
    ``version`` answers what ``--version`` says; without it there is no such option.
    Formatted plainly, without rich: importing that takes longer than all the rest of ``--help``.
    """

    class Group(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            deferred = {one: DeferredCommand(one, function) for one, function in commands.items()}
            self.commands = {**deferred, **self.commands}

    def called(ctx: typer.Context) -> None:
        if alone is not None and ctx.invoked_subcommand is None:
            module, _, function = alone.partition(":")
            getattr(import_module(module), function)()

    def told(asked: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
        if asked and version is not None:
            typer.echo(version())
            raise typer.Exit

    def called_or_told(
        ctx: typer.Context,
        *,
        asked: Annotated[
            bool,
            typer.Option("--version", callback=told, is_eager=True, help="Say the version."),
        ] = False,
    ) -> None:
        del asked
        called(ctx)

    return typer.Typer(
        name=name,
        cls=Group,
        callback=called if version is None else called_or_told,
        context_settings={"help_option_names": list(HELP)},
        help=text,
        no_args_is_help=alone is None,
        invoke_without_command=alone is not None,
        add_completion=completes,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
