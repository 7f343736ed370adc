"""``roadfade policy check | explain | test``: ask the policy, without a broker.

Exit codes: 0 the document holds, 1 the document or a case fails, 2 wrong usage.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from policy.cases import run_cases
from policy.compile import Compiled, compile_plan
from policy.document import Document
from policy.explain import UnknownNameError, explain
from policy.explanation import Consent, Question
from policy.limits import Limits
from policy.parse import parse
from policy.plan import Plan
from policy.renderings import cases_json, check_json, explain_json
from roadfade.documents import load_catalogue, load_files, shipped_policy_path
from roadfade.policy_screens import cases_lines, explanation_screen, outputs_table, problem_lines
from telemetry.instants import parse_instant

FAILS = 1
USAGE = 2

app = typer.Typer(help="Ask the policy document.", no_args_is_help=True)

PolicyPath = Annotated[
    Path | None, typer.Option("--policy", help="A document's folder; default: the shipped one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def check(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """Compile the document: every problem with its place and its remedy."""
    _, compiled = _compiled(policy)
    if as_json:
        _print_json(check_json(compiled.plan, compiled.problems))
    else:
        console = Console()
        for line in problem_lines(compiled.problems):
            console.print(line)
        if compiled.plan is not None:
            console.print(outputs_table(compiled.plan))
    if compiled.plan is None:
        raise typer.Exit(FAILS)


@app.command(name="test")
def run_beside(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """Run the cases that stand beside the document."""
    document, plan = _plan_or_exit(policy, as_json=as_json)
    tested = run_cases(document, plan)
    if as_json:
        _print_json(cases_json(tested))
    else:
        console = Console()
        for line in cases_lines(tested):
            console.print(line)
    if tested.failed:
        raise typer.Exit(FAILS)


@app.command(name="explain")
def explain_command(  # one option per part of the question
    *,
    signal: Annotated[str, typer.Option(help="A path of the signal catalogue.")],
    purpose: Annotated[str, typer.Option(help="A purpose of the document.")],
    recipient: Annotated[
        str | None, typer.Option(help="Needed where the purpose has several.")
    ] = None,
    consent: Annotated[Consent, typer.Option(help="What the subject said.")] = Consent.NONE,
    event_time: Annotated[
        str | None, typer.Option(help="When it was measured, RFC 3339; default: now.")
    ] = None,
    now: Annotated[str | None, typer.Option(help="The instant to judge at, RFC 3339.")] = None,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Say what becomes of one reading, by which rules, and what would change it."""
    _, plan = _plan_or_exit(policy, as_json=as_json)
    now_ms = _instant(now, "--now", default_ms=time.time_ns() // 1_000_000)
    event_ms = _instant(event_time, "--event-time", default_ms=now_ms)
    question = Question(signal, purpose, recipient, consent, event_ms, now_ms)
    try:
        explanation = explain(plan, question)
    except UnknownNameError as error:
        _usage(str(error))
    if as_json:
        _print_json(explain_json(explanation))
    else:
        Console().print(explanation_screen(explanation))


def _compiled(path: Path | None) -> tuple[Document | None, Compiled]:
    try:
        files = load_files(path or shipped_policy_path())
    except NotADirectoryError as error:
        _usage(str(error))
    except UnicodeDecodeError as error:
        typer.echo(f"a file of the document is not UTF-8: {error.reason}", err=True)
        raise typer.Exit(FAILS) from error
    document = parse(files)
    if not isinstance(document, Document):
        return None, Compiled(None, document)
    return document, compile_plan(document, load_catalogue(), Limits())


def _plan_or_exit(path: Path | None, *, as_json: bool) -> tuple[Document, Plan]:
    document, compiled = _compiled(path)
    if document is None or compiled.plan is None:
        if as_json:
            _print_json(check_json(None, compiled.problems))
        else:
            for line in problem_lines(compiled.problems):
                Console(stderr=True).print(line)
        raise typer.Exit(FAILS)
    return document, compiled.plan


def _instant(text: str | None, option: str, *, default_ms: int) -> int:
    if text is None:
        return default_ms
    try:
        return parse_instant(text)
    except ValueError:
        _usage(f"{option} takes a time as 2026-12-01T09:30:00Z, not {text!r}")


def _usage(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
