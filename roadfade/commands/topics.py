"""``roadfade topics show | apply``."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bus.access_rights import Right
from bus.client.access_rights import KafkaRights
from bus.failures import BrokerError
from bus.topics import TopicSpec, drift
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.plans import VersionTimeline
from roadfade.in_force.rights import RightsDrift, apply_rights, rights_drift, wanted_rights
from roadfade.in_force.source import PolicySource, apply_topics
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json

SHOWN_RIGHTS: Final = ("missing", "surplus")
SHOWN = ("cleanup.policy", "retention.ms", "segment.ms")


def apply_topics_command(settings: Settings, *, with_acls: bool, as_json: bool) -> None:
    """Create missing topics, correct drifted settings and, if asked to, rights; print that."""
    require_broker(settings)
    created, changed = asyncio.run(apply_topics(settings, connection_of(settings)))
    rights = asyncio.run(_applied(settings)) if with_acls else None
    if as_json:
        done = {"created": created, "changed": changed}
        told = {} if rights is None else {"rights": _rights_body(rights, ("given", "taken"))}
        print_json(done | told)
        return
    for verb, names in (("created", created), ("changed", changed)):
        for name in names:
            typer.echo(f"{verb} {name}")
    if not created and not changed:
        typer.echo("every topic is as the policy says")
    if rights is not None:
        _say_applied(rights)


def _say_applied(rights: RightsDrift) -> None:
    for verb, found in (("gave", rights.missing), ("took", rights.surplus)):
        for one in found:
            typer.echo(f"{verb} {one}")
    if not rights.missing and not rights.surplus:
        typer.echo("every right is as the policy says")
    for one in rights.others:
        typer.secho(f"left, though none of ours, what reaches our topics: {one}", fg="yellow")


def show(settings: Settings, *, as_json: bool) -> None:
    """Print every topic with its settings and differences."""
    require_broker(settings)
    rows, rights = asyncio.run(_rows(settings))
    if as_json:
        told = (
            {"unknown": rights} if isinstance(rights, str) else _rights_body(rights, SHOWN_RIGHTS)
        )
        print_json({"topics": rows, "rights": told})
        return
    table = Table(title="Topics, as the policy says")
    for heading in ("topic", "partitions", *SHOWN, "differs"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        config = row["config"]
        cells = [str(config.get(name, "")) for name in SHOWN]
        differs = "\n".join(row["drift"]) or "no"
        table.add_row(row["topic"], str(row["partitions"]), *cells, differs)
    console = Console()
    console.print(table)
    for line in _rights_lines(rights):
        console.print(Text(line), soft_wrap=True)


def _rights_lines(rights: RightsDrift | str) -> list[str]:
    if isinstance(rights, str):
        return [f"rights: not known, or none: {rights}"]
    if not rights.missing and not rights.surplus and not rights.others:
        return ["rights: as the policy says"]
    told = (("missing", rights.missing), ("too much", rights.surplus), ("others", rights.others))
    lines = [f"rights, {what}: {one}" for what, found in told for one in found]
    remedy = "`roadfade topics apply --acls` gives what is missing, and takes what is too much"
    return [*lines, f"{remedy}; others are left alone"]


def _rights_body(rights: RightsDrift, names: tuple[str, str]) -> dict[str, Any]:
    def rows(found: Iterable[Right]) -> list[dict[str, str]]:
        return [one._asdict() for one in found]

    given, taken = names
    return {given: rows(rights.missing), taken: rows(rights.surplus), "others": rows(rights.others)}


async def _applied(settings: Settings) -> RightsDrift:
    connection = connection_of(settings)
    async with PolicySource.open(settings, connection) as source:
        line = await asyncio.to_thread(source.line)
    wanted = wanted_rights(line, settings.topic_prefix)
    async with KafkaRights(connection) as rights:
        return await apply_rights(rights, wanted, settings.topic_prefix)


async def _drift(settings: Settings, line: VersionTimeline) -> RightsDrift | str:
    """The rights as they are; a sentence if they are not known, or none are enforced."""
    wanted = wanted_rights(line, settings.topic_prefix)
    try:
        async with KafkaRights(connection_of(settings)) as rights:
            return await rights_drift(rights, wanted, settings.topic_prefix)
    except (BrokerError, NotReady) as reason:
        return str(reason)


async def _rows(settings: Settings) -> tuple[list[dict[str, Any]], RightsDrift | str]:
    async with PolicySource.open(settings, connection_of(settings)) as source:
        line = await asyncio.to_thread(source.line)
        specs = source.specs(line)
        found = await source.admin.describe([spec.name for spec in specs])
    rows = []
    for spec in specs:
        topic = found[spec.name]
        own = (
            spec
            if topic is None
            else TopicSpec(spec.name, topic.partitions, spec.config, topic.replication)
        )
        rows.append(
            {
                "topic": spec.name,
                "partitions": own.partitions,
                "config": dict(spec.config),
                "drift": [str(one) for one in drift(own, topic)],
            }
        )
    return rows, await _drift(settings, line)
