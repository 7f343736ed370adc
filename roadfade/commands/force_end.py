"""``roadfade topics force-end``: end what lies on topics now, in an emergency.

Exit code 0: nothing of it can be read any more, or ``--dry-run`` has said what would go. 1: it was
refused, or something is left.
"""

from typing import Annotated

import typer

from roadfade.terminal.answers import carry_out, usage
from roadfade.terminal.arguments import AsJson, duration_s

READERS_S = 30.0


def force_end(
    topic: Annotated[
        list[str] | None, typer.Argument(help="A topic, as `roadfade topics show` names it.")
    ] = None,
    *,
    output: Annotated[
        list[str] | None, typer.Option("--output", help="The topic of this output; repeatable.")
    ] = None,
    at_the_cost_of_others: Annotated[
        bool,
        typer.Option(
            "--at-the-cost-of-others",
            help="Also if a group that is none of ours reads it: what it has not read is lost.",
        ),
    ] = False,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait",
            parser=duration_s,
            metavar="TIME",
            help="How long worker and sink may take to read what lies there, as 5m; else 30s.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and whose; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete all that lies on topics of readings now, before its time: everybody's, not one's.

    Nothing is deleted that worker or sink have not read. One record without a value goes to each
    partition; who reads it counts it as rejected.
    """
    from telemetry.topics import purpose_topic  # noqa: PLC0415  # --help needs none

    names = dict.fromkeys([*(topic or ()), *map(purpose_topic, output or ())])
    if not names:
        usage("which topics? Name them, or an output with --output")
    from roadfade.commands.force_end_asks import Asked, ask  # noqa: PLC0415  # heavy

    wait_s = READERS_S if wait is None else wait
    asked = Asked(tuple(names), at_the_cost_of_others, wait_s, dry_run, yes)
    carry_out(lambda: ask(asked, as_json=as_json))
