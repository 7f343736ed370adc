"""``roadfade lake adopt``: keep a topic that was made anew, from its beginning on."""

import asyncio
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from roadfade.refusal import Refusal
from roadfade.terminal.answers import print_json, settings
from roadfade.terminal.arguments import AsJson

if TYPE_CHECKING:
    from roadfade.adoption import TopicNow
    from roadfade.settings import Settings


def adopt(
    topic: Annotated[str, typer.Argument(help="The topic, as `roadfade status` names it.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also if the sink keeps this topic as it is.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a topic that was made anew from its beginning on; nothing is kept twice."""
    from roadfade.adoption import AdoptionFiles  # noqa: PLC0415  # heavy, and only used here

    here = settings()
    why, now = asyncio.run(_look(here, topic))
    if why is None and not anyway:
        msg = (
            f"{topic} is the topic that the lake has read, and the sink goes on with it: there is "
            "nothing to adopt. If it was made anew while the lake noted no ids, say --anyway"
        )
        raise Refusal(msg)
    if not dry_run:
        AdoptionFiles(here.state_dir).order(topic, now.topic_id)
    if as_json:
        print_json(
            {
                "topic": topic,
                "topic_id": now.topic_id,
                "why": why,
                "records": now.records,
                "ordered": not dry_run,
            }
        )
        return
    typer.echo(f"{topic}: {now.records:,} records lie in it now")
    if why is not None:
        typer.echo(why)
    if dry_run:
        typer.echo("nothing was changed; without --dry-run the sink keeps it from its beginning")
    else:
        typer.echo("the sink keeps it from its beginning: in a second, or as soon as it is started")


class _Found(NamedTuple):
    why: str | None
    now: "TopicNow"


async def _look(here: "Settings", topic: str) -> _Found:
    from roadfade.adoption import (  # noqa: PLC0415  # heavy, and only used here
        AdoptionFiles,
        places_in,
        topics_now,
        why_not,
    )
    from roadfade.in_force.broker import connection_of, require_broker  # noqa: PLC0415  # likewise
    from roadfade.in_force.source import PolicySource  # noqa: PLC0415  # likewise
    from roadfade.stores import places_of  # noqa: PLC0415  # likewise

    require_broker(here)
    broker = connection_of(here)
    async with PolicySource.open(here, broker) as source:
        line, _ = await source.checked()
    if topic not in line.kept_topics:
        kept = ", ".join(sorted(line.kept_topics))
        msg = f"the sink keeps no topic {topic}; it keeps {kept}"
        raise Refusal(msg)
    found = await topics_now(broker, [topic])
    if topic not in found:
        msg = f"{topic} is not on the broker: `roadfade topics apply` makes it"
        raise Refusal(msg)
    places = await asyncio.to_thread(places_of, here)
    rewound = await asyncio.to_thread(AdoptionFiles(here.state_dir).rewound)
    why = why_not(topic, places_in(places, [topic])[topic], found[topic], rewound=topic in rewound)
    return _Found(why, found[topic])
