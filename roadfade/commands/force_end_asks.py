"""What ``roadfade topics force-end`` does: it says what it costs, is confirmed, and is seen."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress

from bus.failures import BrokerError, SendFailedError
from bus.topics import TopicSpec
from roadfade.clock import wall_ms
from roadfade.forced_end.allowed import specs_to_restore, why_not
from roadfade.forced_end.cutting import Places
from roadfade.forced_end.force import Ended, Files, ForcedEnd, Means, Told
from roadfade.forced_end.looking import look
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.source import PolicySource
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import places_of
from roadfade.terminal.answers import FAILS, print_json, settings
from telemetry.topics import RAW

WORD: Final = "end"
NOT_ASKED: Final = (
    "nobody can be asked here whether it is meant: look with --dry-run, then say --yes"
)
RAW_TOO: Final = (
    "rules over time read raw records again when a worker starts: readings that they cannot judge "
    "without them are withheld, until as much time has passed as they remember"
)


class Asked(NamedTuple):
    """What was typed."""

    topics: tuple[str, ...]
    at_the_cost_of_others: bool
    wait_s: float
    dry_run: bool
    yes: bool


def ask(asked: Asked, *, as_json: bool) -> None:
    """Do it; Refusal if it may not be done. Exit 1 if something is left."""
    here = settings()
    require_broker(here)
    try:
        specs, before = asyncio.run(_outlook(here, asked))
        _say_cost(before, quiet=as_json)
        if asked.dry_run:
            if as_json:
                print_json({"topics": [_cost(*one) for one in before.items()], "dry_run": True})
            return
        refuse_unknown(before, asked)
        _confirm(asked)
        with _progress(quiet=as_json) as tell:
            done = asyncio.run(_ended(here, asked, specs, tell))
    except (BrokerError, SendFailedError, TimeoutError) as error:
        msg = f"the broker did not do it ({type(error).__name__}: {error}): see its log, and again"
        raise Refusal(msg) from error
    if as_json:
        print_json({"topics": [_facts(one) for one in done], "dry_run": False})
    else:
        for one in done:
            typer.echo("\n".join(lines_of(one)))
    if not all(one.done for one in done):
        raise typer.Exit(FAILS)


async def _outlook(here: Settings, asked: Asked) -> tuple[list[TopicSpec], Mapping[str, Places]]:
    broker = connection_of(here)
    async with PolicySource.open(here, broker) as source:
        line = await asyncio.to_thread(source.line)
        specs = {spec.name: spec for spec in source.specs(line)}
        for topic in asked.topics:
            why = why_not(topic, specs)
            if why is not None:
                raise Refusal(why)
        found = await source.admin.describe(asked.topics)
    wanted = specs_to_restore(asked.topics, specs, found)
    if isinstance(wanted, str):
        raise Refusal(wanted)
    return wanted, await look(broker, asked.topics, partial(places_of, here))


async def _ended(
    here: Settings, asked: Asked, specs: Sequence[TopicSpec], tell: Callable[[Told], None]
) -> list[Ended]:
    broker = connection_of(here)
    stored = partial(places_of, here)
    means = Means(
        broker, wall_ms, lambda: look(broker, asked.topics, stored), broker.topic, tell=tell
    )
    return await ForcedEnd(means, specs, asked.wait_s).run()


def refuse_unknown(before: Mapping[str, Places], asked: Asked) -> None:
    """Refusal if somebody who is in no register reads a topic, unless their loss is accepted."""
    if asked.at_the_cost_of_others:
        return
    for topic, one in before.items():
        if one.others:
            groups = ", ".join(sorted(one.others))
            msg = (
                f"{topic} is read by groups that are in no register ({groups}): if they may lose "
                "what they have not read, say --at-the-cost-of-others; if not, wait for its bound"
            )
            raise Refusal(msg)


def _confirm(asked: Asked) -> None:
    if asked.yes:
        return
    if not sys.stdin.isatty():
        raise Refusal(NOT_ASKED)
    if typer.prompt(f"This cannot be taken back. Type {WORD} to go on") != WORD:
        raise typer.Abort


def _cost(topic: str, one: Places) -> dict[str, Any]:
    return {
        "topic": topic,
        "records": one.records,
        "unread": one.unread_by_ours(one.ends),
        "lost": one.lost_by_others(one.ends),
    }


def _say_cost(before: Mapping[str, Places], *, quiet: bool) -> None:
    if quiet:
        return
    for topic, one in before.items():
        typer.echo(f"{topic}: {one.records:,} records lie there, of everybody; they go")
        for reader, count in one.unread_by_ours(one.ends).items():
            typer.echo(f"  {reader} has not got {count:,} of them: it is waited for")
        for group, count in one.lost_by_others(one.ends).items():
            typer.echo(f"  {group} is none of ours, and loses {count:,} that it has not read")
    if RAW in before:
        typer.echo(RAW_TOO)


def _facts(one: Ended) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "done": one.done,
        "asked": {str(number): offset for number, offset in one.asked.items()},
        "begins": {str(number): offset for number, offset in one.begins.items()},
        "held_back": dict(one.held_back),
        "lost": dict(one.lost),
        "files": str(one.files),
    }


def lines_of(one: Ended) -> Iterator[str]:
    """What became of a topic, in sentences."""
    yield f"{one.topic}: {'ended' if one.done else 'NOT ended'}"
    for reader, count in one.held_back.items():
        yield f"  {count:,} records stay: {reader} has not got them; see that it runs, and again"
    for group, count in one.lost.items():
        yield f"  {count:,} records are lost to {group}"
    if one.files is Files.NONE:
        yield "  no file of the broker holds what lay there"
    elif one.files is Files.SOME:
        yield "  files of the broker still hold some of it: it goes when its bound is over"
    else:
        yield "  the broker's files cannot be seen from here; nobody can read it any more"


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Told], None]]:
    """A bar on the error stream of a terminal; nothing otherwise."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("closing segments", total=None)

        def tell(told: Told) -> None:
            what = f"waiting {told.what}"
            progress.update(bar, description=what, completed=told.waited_s, total=told.longest_s)

        yield tell
