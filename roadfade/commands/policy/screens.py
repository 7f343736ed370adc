"""What the policy commands show to people: rich tables and lines."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from policy.explain.cases import CasesRun
from policy.explain.question import Applied, Explanation
from policy.language.problems import Problem, Severity
from policy.plan.carried_out import counted, lacking, state
from policy.plan.plan import Plan
from policy.vocabulary.capabilities import Capability, State
from policy.vocabulary.terms import OnWithdrawal
from policy.vocabulary.words import format_duration

WIDE_CHARS: Final = 10_000


def console_of() -> Console:
    """Where to print: as wide as the terminal; without one nothing is broken or cut.

    Who pipes an answer looks for words in its lines. COLUMNS still counts.
    """
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        return Console(width=WIDE_CHARS)
    return console


def problem_lines(problems: Iterable[Problem]) -> Iterator[Text]:
    """One line a problem, errors red, warnings yellow."""
    for problem in problems:
        style = "red" if problem.severity is Severity.ERROR else "yellow"
        yield Text(str(problem), style=style)


def outputs_table(plan: Plan) -> Table:
    """Who keeps how much for how long."""
    table = Table(title=f"{plan.policy} {plan.policy_version}")
    for column in ("output", "class", "keep", "from", "grain", "time", "signals", "denied"):
        table.add_column(column)
    for output in plan.outputs:
        named = f"{output.id} (suspended)" if output.purpose in plan.suspended else output.id
        for index, lane in enumerate(output.lanes):
            first = index == 0
            table.add_row(
                named if first else "",
                output.recipient_class if first else "",
                str(lane.period),
                lane.trigger,
                str(lane.grain),
                format_duration(lane.time_floor_ms),
                str(len(lane.rules)),
                str(len(output.denials)) if first else "",
            )
    return table


def cells_line(plan: Plan) -> Text:
    """How many cells are carried out, and what the others lack, the most frequent first."""
    cells = counted(plan)
    told = f"{cells.carried_out + cells.written} cells: {cells.carried_out} carried out"
    if not cells.written:
        return Text(told, style="green")
    why = sorted(cells.why.items(), key=lambda item: -item[1])
    lacks = ", ".join(f"{words_of(name)} {count}" for name, count in why)
    return Text(f"{told}, {cells.written} written, not carried out yet ({lacks})", style="yellow")


def words_of(name: State | Capability) -> str:
    """The name as people read it on a screen."""
    if name is State.WRITTEN:
        return "written, not carried out yet"
    return "left to people" if name is State.PEOPLE else name.replace("_", " ")


def cases_lines(tested: CasesRun) -> Iterator[Text]:
    """The failures, then the count."""
    for failed in tested.failed:
        yield Text(str(failed), style="red")
    style = "red" if tested.failed else "green"
    yield Text(f"{tested.cases} cases, {len(tested.failed)} failed", style=style)


def explanation_screen(explanation: Explanation) -> RenderableType:
    """The decision, a table of the rules behind it, and what would change it."""
    reason = "" if explanation.reason is None else f": {explanation.reason}"
    style = "green" if explanation.decision == "deliver" else "yellow"
    head = Text(f"{explanation.decision}{reason}", style=f"bold {style}")
    asked = explanation.question
    output = explanation.output or f"{asked.purpose} to {asked.recipient} (no such output)"
    parts: list[RenderableType] = [head, Text(f"{asked.signal} for {output}")]
    parts += [_rule_table(one) for one in explanation.rules]
    parts += [Text(f"what would change it: {one}") for one in explanation.alternatives]
    return Group(*parts)


_WITHDRAWN: Final[Mapping[OnWithdrawal, str]] = {
    "keep_before": "what was recorded before it stays until its end",
    "erase": "what was recorded before it is erased, too",
}


def _rule_table(one: Applied) -> Table:
    table = Table(show_header=False, title=one.rule, title_justify="left")
    rows = {
        "answer": "deliver" if one.reason is None else f"withhold: {one.reason}",
        "authorities": ", ".join(one.authorities),
        "where": str(one.where),
    }
    if one.period is not None:
        rows |= {
            "basis": f"{one.basis} ({one.notice})",
            "treatment": ", ".join(one.treatment),
            "time": f"floored to {format_duration(one.time_floor_ms)}",
            "keep": f"{one.period} at most, from {one.trigger}; gone by {one.expires_at}",
        }
        if one.at_least is not None:
            rows["at least"] = f"{one.at_least}: no event ends it before"
    if one.cell is not None:
        if one.cell.on_withdrawal is not None:
            rows["on withdrawal"] = _WITHDRAWN[one.cell.on_withdrawal]
        lacks = lacking(one.cell)
        without = f" (lacking {', '.join(map(words_of, lacks))})" if lacks else ""
        rows["state"] = words_of(state(lacks)) + without
    for name, value in rows.items():
        table.add_row(name, value)
    return table
