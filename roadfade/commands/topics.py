"""``roadfade topics show | apply``."""

import asyncio
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from bus.topics import TopicSpec, drift
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.source import PolicySource, apply_topics
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json

SHOWN = ("cleanup.policy", "retention.ms", "segment.ms")


def apply_topics_command(settings: Settings, *, as_json: bool) -> None:
    """Create missing topics and correct drifted settings; prints what was done."""
    require_broker(settings)
    created, changed = asyncio.run(apply_topics(settings, connection_of(settings)))
    if as_json:
        print_json({"created": created, "changed": changed})
        return
    for verb, names in (("created", created), ("changed", changed)):
        for name in names:
            typer.echo(f"{verb} {name}")
    if not created and not changed:
        typer.echo("every topic is as the policy says")


def show(settings: Settings, *, as_json: bool) -> None:
    """Print every topic with its settings and differences."""
    require_broker(settings)
    rows = asyncio.run(_rows(settings))
    if as_json:
        print_json({"topics": rows})
        return
    table = Table(title="Topics, as the policy says")
    for heading in ("topic", "partitions", *SHOWN, "differs"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        config = row["config"]
        cells = [str(config.get(name, "")) for name in SHOWN]
        differs = "\n".join(row["drift"]) or "no"
        table.add_row(row["topic"], str(row["partitions"]), *cells, differs)
    Console().print(table)


async def _rows(settings: Settings) -> list[dict[str, Any]]:
    async with PolicySource.open(settings, connection_of(settings)) as source:
        specs = source.specs(await asyncio.to_thread(source.line))
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
    return rows
