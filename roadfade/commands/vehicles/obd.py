"""``roadfade obd``: a live session with an OBD-II adapter onto the raw topic."""

import asyncio
import secrets
from contextlib import aclosing
from typing import Any

import typer

from ingest.batching import Source
from ingest.obd.session import READ_FROM, Adapter, Session
from ingest.raw_topic import RawPublisher
from ingest.refused import Refused
from roadfade.clock import wall_ms
from roadfade.commands.vehicles.registration import registered_since, require_registered_by
from roadfade.processes.signals import on_stop
from roadfade.raw_topic import RawTopic, raw_topic
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json
from telemetry.identity import DeviceId


def main(
    settings: Settings, adapter: Adapter, device: DeviceId, seconds: float | None, *, as_json: bool
) -> None:
    """Read until the adapter is gone, the time is up or Ctrl-C; what was read is published."""
    try:
        session, raw = asyncio.run(_carry(settings, adapter, device, seconds))
    except Refused as refused:
        raise Refusal(str(refused)) from None
    body = report(session, raw)
    if session.counts.lost and not raw.readings:
        msg = "no adapter answered: check --port and --baud, and that the ignition is on"
        raise Refusal(msg)
    if as_json:
        print_json(body)
        return
    dropped = ", ".join(f"{why} {count:,}" for why, count in body["dropped"].items())
    typer.echo(
        f"published {raw.readings:,} readings in {raw.envelopes:,} envelopes; "
        f"answers that were no reading: {dropped or 'none'}"
    )
    if session.counts.lost:
        typer.echo("the connection to the adapter or the car was lost", err=True)


async def _carry(
    settings: Settings, adapter: Adapter, device: DeviceId, seconds: float | None
) -> tuple[Session, RawTopic]:
    async with raw_topic(settings, "obd") as raw:
        require_registered_by(await registered_since(settings, device), wall_ms())
        source = Source(device, secrets.token_hex(32), "ntp", READ_FROM)
        session = Session(adapter, source, raw.plan.catalogue, raw.plan.collected)
        on_stop(session.stop)
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, session.stop)
        async with aclosing(session.envelopes()) as envelopes:
            async for envelope in envelopes:
                await raw.publish([envelope])
    return session, raw


def report(session: Session, raw: RawPublisher) -> dict[str, Any]:
    """What became of every line the reader wrote."""
    counts = session.counts
    return {
        **raw.counts,
        "unaccounted": counts.readings + counts.codes - raw.readings - raw.not_collected,
        "dropped": {str(why): count for why, count in sorted(counts.dropped.items())},
        "lost": counts.lost,
    }
