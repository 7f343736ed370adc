"""``roadfade policy check``, ``test`` and ``explain``: ask the policy, without a broker.

Exit codes: 0 the document holds, 1 the document or a case fails, 2 wrong usage.
"""

from typing import Annotated

import typer
from rich.console import Console

from policy.explain.cases import run_cases
from policy.explain.explain import UnknownNameError, explain, known_recipient
from policy.explain.question import Consent, Question
from policy.language.problems import in_order
from policy.versions.reviews import reviews_due
from roadfade.clock import judging_clock
from roadfade.commands.policy.as_json import cases_json, check_json, explain_json
from roadfade.commands.policy.choice import compiled_at, policy_or_exit
from roadfade.commands.policy.screens import (
    cases_lines,
    cells_line,
    console_of,
    explanation_screen,
    outputs_table,
    problem_lines,
)
from roadfade.terminal.answers import FAILS, print_json, settings, usage
from roadfade.terminal.arguments import AsAnyRole, AsJson, PolicyPath, instant


def check(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """Compile the document: every problem with its place and its remedy."""
    compiled = compiled_at(policy)
    problems = compiled.problems
    if compiled.policy is not None:
        now_ms = judging_clock(settings().fixed_now_ms)()
        problems = in_order((*problems, *reviews_due(compiled.policy.document, now_ms)))
    if as_json:
        print_json(check_json(compiled.plan, problems))
    else:
        console = console_of()
        for line in problem_lines(problems):
            console.print(line, soft_wrap=True)
        if compiled.plan is not None:
            console.print(outputs_table(compiled.plan))
            console.print(cells_line(compiled.plan), soft_wrap=True)
    if compiled.plan is None:
        raise typer.Exit(FAILS)


def run_beside(*, policy: PolicyPath = None, as_json: AsJson = False) -> None:
    """Run the document's own test cases."""
    tested = run_cases(policy_or_exit(policy))
    if as_json:
        print_json(cases_json(tested))
    else:
        console = Console()
        for line in cases_lines(tested):
            console.print(line, soft_wrap=True)
    if tested.failed:
        raise typer.Exit(FAILS)


def explain_command(  # one option per part of the question
    *,
    signal: Annotated[str, typer.Option(help="A path of the signal catalogue, or a fact.")],
    purpose: Annotated[str, typer.Option(help="A purpose of the document.")],
    recipient: Annotated[
        str | None, typer.Option(help="Needed if the purpose has several.")
    ] = None,
    consent: Annotated[Consent, typer.Option(help="The subject's consent.")] = Consent.NONE,
    role: AsAnyRole = None,
    event_time: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="INSTANT", help="When it was measured; default: now."),
    ] = None,
    now: Annotated[
        int | None, typer.Option(parser=instant, metavar="INSTANT", help="The instant to judge at.")
    ] = None,
    policy: PolicyPath = None,
    as_json: AsJson = False,
) -> None:
    """Explain what happens to one reading, by which rules, and what would change it."""
    compiled = policy_or_exit(policy)
    now_ms = judging_clock(settings().fixed_now_ms)() if now is None else now
    event_ms = now_ms if event_time is None else event_time
    question = Question(signal, purpose, recipient, consent, event_ms, now_ms, role)
    try:
        known_recipient(compiled.document, question)
        explanation = explain(compiled.plan, question)
    except UnknownNameError as error:
        usage(str(error))
    if as_json:
        print_json(explain_json(explanation))
    else:
        console_of().print(explanation_screen(explanation))
