"""``roadfade status``: one screen of everything, and what is wrong and what to do."""

from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roadfade.clock import wall_ms
from roadfade.settings import Settings
from roadfade.status.facts import Facts, gather
from roadfade.status.processes import Process, State, farthest, highest
from roadfade.status.verdict import unknown, views_not_whole, wrong
from roadfade.terminal.answers import FAILS, print_json

_STYLES: Final = {State.RUNNING: "green", State.SILENT: "red", State.STOPPED: "dim"}


def main(settings: Settings, *, as_json: bool) -> None:
    """Gather the facts once and print them; exit 1 if something is wrong, or not known."""
    facts = gather(settings, wall_ms)
    body = report(facts)
    if as_json:
        print_json(body)
    else:
        _show(body)
    if not body["healthy"]:
        raise typer.Exit(FAILS)


def report(facts: Facts) -> dict[str, Any]:
    """Everything the screen shows, as one object. Times are seconds; None: not known."""
    answering, findings, unclear = facts.running, wrong(facts), unknown(facts)
    now_s = facts.now_ms / 1000
    ages = highest(answering, "roadfade_oldest_record_age_seconds")
    promised = highest(answering, "roadfade_longest_life_seconds")
    views = farthest(answering, "roadfade_view_age_seconds")
    pending = highest([p for p in answering if p.name == "office"], "roadfade_outbox_pending")
    return {
        "healthy": not findings and not unclear,
        "wrong": list(findings),
        "unknown": list(unclear),
        "processes": [
            {
                "name": p.name,
                "role": p.role,
                "host": p.host,
                "state": str(p.state),
                "said_s": round(p.said_s, 1),
                "metrics": p.page and f"http://{p.page}/metrics",
                "version": p.versions[0],
                "policy_version": p.versions[1],
                "core": _core_of(p),
            }
            for p in facts.processes
        ],
        "lag": {group: {"records": w.records, "moves": w.moved} for group, w in facts.lag.items()},
        "copies": {
            copy: {"oldest_s": round(age_s), "promised_s": promised.get(copy)}
            for copy, age_s in sorted(ages.items())
        },
        "views": {view: round(age_s, 1) for view, age_s in sorted(views.items())},
        "views_not_whole": views_not_whole(facts),
        "office_silent_s": _since(answering, "roadfade_heartbeat_timestamp_seconds", now_s),
        "outbox_pending": int(pending[""]) if pending else None,
        "last_sweep_s": _since(answering, "roadfade_sweep_last_success_timestamp_seconds", now_s),
        "overdue": facts.overdue_files(),
        "rejected": None if facts.rejected is None else dict(facts.rejected),
        "reviews_due": list(facts.reviews),
        "doors": [one._asdict() for one in facts.doors],
    }


def _core_of(process: Process) -> bool | None:
    """Whether the core carries a worker's usual envelopes; None if it says nothing, or is none."""
    told = process.values("roadfade_core")
    return bool(told[""]) if told and process.role == "worker" else None


def _since(answering: list[Process], name: str, now_s: float) -> float | None:
    at_s = max(highest(answering, name).values(), default=0)
    return round(now_s - at_s, 1) if at_s else None


def _show(body: dict[str, Any]) -> None:
    console = Console(highlight=False)
    processes = Table(title="processes", title_justify="left")
    for heading in ("process", "role", "host", "state", "last word", "version", "policy"):
        processes.add_column(heading, overflow="fold")
    for row in body["processes"]:
        state = Text(row["state"], style=_STYLES[State(row["state"])])
        # What a process says of itself is text, and no markup.
        told = map(Text, (row["name"], row["role"], row["host"]))
        versions = map(Text, (row["version"], row["policy_version"]))
        processes.add_row(*told, state, _ago(row["said_s"]), *versions)
    if body["processes"]:
        console.print(processes)
    copies = Table(title="oldest record of each copy", title_justify="left")
    for heading in ("copy", "oldest", "promised"):
        copies.add_column(
            heading, overflow="fold", justify="left" if heading == "copy" else "right"
        )
    for copy, row in body["copies"].items():
        copies.add_row(copy, span(row["oldest_s"]), span(row["promised_s"]))
    if body["copies"]:
        console.print(copies)
    for line in _lines(body):
        console.print(Text(line))
    console.print()
    _conclude(console, body)


def _conclude(console: Console, body: dict[str, Any]) -> None:
    if body["healthy"]:
        console.print("[green]healthy[/green]: nothing is wrong")
    for number, finding in enumerate(body["wrong"], start=1):
        console.print(Text(f"{number}. {finding}", style="red"), soft_wrap=True)
    for sentence in body["unknown"]:
        console.print(Text(f"?  {sentence}", style="yellow"), soft_wrap=True)


def _lines(body: dict[str, Any]) -> list[str]:
    lag = ", ".join(f"{group} {one['records']:,}" for group, one in body["lag"].items())
    views = ", ".join(f"{view} {age_s:g} s" for view, age_s in body["views"].items())
    pending = "not known" if body["outbox_pending"] is None else body["outbox_pending"]
    overdue, rejected = _counts(body["overdue"], " files"), _counts(body["rejected"])
    doors = [f"{one['door']}: {one['said']}" for one in body["doors"]]
    return [
        *(f"{'doors' if i == 0 else '':<18}{said}" for i, said in enumerate(doors)),
        f"records waiting   {lag or 'not known'}",
        f"age of views      {views or 'not known'}",
        *(f"views             {view}: {why}" for view, why in body["views_not_whole"].items()),
        f"office            last heartbeat: {_ago(body['office_silent_s'])}",
        f"outbox            rows not yet published: {pending}",
        f"last sweep        {_ago(body['last_sweep_s'])}",
        f"overdue in lake   {overdue}",
        f"rejected so far   {rejected}",
        f"core              {_which_path(body['processes'])}",
        f"reviews due       {'; '.join(body['reviews_due']) or 'nothing'}",
    ]


def _which_path(processes: list[dict[str, Any]]) -> str:
    without = [one["name"] for one in processes if one["core"] is False]
    if without:
        return f"not in {', '.join(without)}: the exact path does everything there, slower"
    return "carries usual envelopes" if any(one["core"] for one in processes) else "not known"


def _counts(counts: dict[str, int] | None, unit: str = "") -> str:
    if counts is None:
        return "not known here"
    return ", ".join(f"{name} {n:,}{unit}" for name, n in sorted(counts.items())) or "nothing"


def _ago(seconds: float | None) -> str:
    return "not known" if seconds is None else f"{span(seconds)} ago"


def span(seconds: float | None) -> str:
    """Seconds in words a person compares: 40 s, 12 min, 5 h, 31 days."""
    if seconds is None:
        return "not known"
    for unit, length_s in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:,.0f} {unit}"
    return f"{seconds:,.0f} s"
