"""``roadfade publish``: envelopes from files onto the raw topic, or what would become of them.

In: files of one envelope as JSON or of several as NDJSON. What must not happen: a value or
an identifier of an envelope on the screen.
"""

import asyncio
from collections.abc import Collection, Sequence

import msgspec
import typer

from roadfade.commands.vehicles.payloads import Payload, read_payloads
from roadfade.commands.vehicles.registration import registered_since, require_registered_by
from roadfade.raw_topic import RawTopic, raw_topic
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json
from telemetry.instants import to_ms
from telemetry.wire.envelope import Envelope, decode_envelope


def main(settings: Settings, files: Sequence[str], *, as_json: bool) -> None:
    """Publish them all, or nothing if one is no envelope or its dongle is not known."""
    envelopes = [_decoded(payload) for payload in read_payloads(files)]
    raw = asyncio.run(_publish(settings, envelopes))
    if as_json:
        print_json(raw.counts)
    else:
        typer.echo(
            f"published {raw.readings:,} readings in {raw.envelopes:,} envelopes; "
            f"{raw.not_collected:,} are collected by no purpose and were left out"
        )


def _decoded(payload: Payload) -> Envelope:
    try:
        return decode_envelope(payload.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        msg = f"{payload.where} is no envelope; `roadfade publish --check` says why"
        raise Refusal(msg) from None


async def _publish(settings: Settings, envelopes: Collection[Envelope]) -> RawTopic:
    async with raw_topic(settings, "publish") as raw:
        for envelope in envelopes:
            since_ms = await registered_since(settings, envelope.device)
            require_registered_by(since_ms, to_ms(envelope.clock.t0))
        await raw.publish(envelopes)
    return raw
